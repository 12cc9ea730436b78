# A worker that is asked to leave ends what it can, takes nothing new, and hands the rest back: nothing is lost,
# no attempt is counted.
set acme quiet 0s
start worker 1
wait 1s
handler well in 20s
say ana "Oi"
wait 1s
drain worker 1
start worker 2
say ben "Ola"
wait 10s
why ana
why ben
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in ana: "Oi"
     1.100  worker 1   gets run 1.1 of ana: "Oi"
     1.100  people     hear of "Oi": accepted
     1.101  handler    is asked in run 1.1 of ana: "Oi"
     2.100  worker 1   is asked to leave
     2.100  worker 2   starts, with 2 slots
     2.100  people     write in ben: "Ola"
     2.100  people     hear of "Ola": accepted
     2.101  worker 2   says hello, with 2 slots, holding 0
     2.101  worker 2   is welcome
     2.101  worker 2   gets run 1.2 of ben: "Ola"
     2.102  handler    is asked in run 1.2 of ben: "Ola"
     2.122  worker 2   hands the answer of run 1.2 over
     2.123  worker 2   hears go for run 1.2
     2.124  channel    shows in ben: "Re: Ola"
     2.124  worker 2   reports run 1.2: done
     2.125  worker 2   hears that run 1.2 is settled
     7.100  worker 1   reports run 1.1: handed back, draining
     7.100  worker 1   hears that run 1.1 is settled
     7.100  worker 1   hears cancel for run 1.1: stale
     7.100  worker 2   gets run 1.3 of ana: "Oi"
     7.100  worker 1   leaves
     7.101  handler    is asked in run 1.3 of ana: "Oi"
     7.121  worker 2   hands the answer of run 1.3 over
     7.121  worker 2   hears go for run 1.3
     7.122  channel    shows in ana: "Re: Oi"
     7.123  worker 2   reports run 1.3: done
     7.124  worker 2   hears that run 1.3 is settled
    12.100  why        ana is done, with 0 messages, 1 attempts
    12.100  why        ben is done, with 0 messages, 1 attempts
