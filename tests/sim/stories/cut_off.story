# A worker is cut off without a word for longer than its lease. It notices, and posts nothing; another one takes
# over.
set acme quiet 0s
start worker 1
wait 1s
handler well in 8s
say ana "Oi"
wait 500ms
cut worker 1 for 20s
start worker 2
wait 26s
why ana
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in ana: "Oi"
     1.100  worker 1   gets run 1.1 of ana: "Oi"
     1.100  people     hear of "Oi": accepted
     1.101  handler    is asked in run 1.1 of ana: "Oi"
     1.600  worker 1   is cut off for 20 s, and nobody is told
     1.600  worker 2   starts, with 2 slots
     1.601  worker 2   says hello, with 2 slots, holding 0
     1.601  worker 2   is welcome
     6.102  worker 2   gets run 1.2 of ana: "Oi"
     6.102  handler    is asked in run 1.2 of ana: "Oi"
     6.122  worker 2   hands the answer of run 1.2 over
     6.123  worker 2   hears go for run 1.2
     6.124  channel    shows in ana: "Re: Oi"
     6.125  worker 2   reports run 1.2: done
     6.125  worker 2   hears that run 1.2 is settled
    21.600  worker 1   says hello, with 2 slots, holding 1
    21.600  worker 1   hears cancel for run 1.1: stale
    21.600  worker 1   is welcome
    27.600  why        ana is done, with 0 messages, 1 attempts
