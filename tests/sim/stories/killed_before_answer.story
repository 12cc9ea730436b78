# A worker dies before it has an answer: the run is lost with its lease, and another one takes it.
set acme quiet 0s
start worker 1
wait 1s
handler silent
say dan "Oi"
wait 500ms
kill worker 1
start worker 2
wait 3s
why dan
wait 6s
why dan
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in dan: "Oi"
     1.100  worker 1   gets run 1.1 of dan: "Oi"
     1.100  people     hear of "Oi": accepted
     1.101  handler    is asked in run 1.1 of dan: "Oi"
     1.600  worker 1   is killed
     1.600  worker 2   starts, with 2 slots
     1.601  worker 2   says hello, with 2 slots, holding 0
     1.601  worker 2   is welcome
     4.600  why        dan is running, with 1 messages, 0 attempts
     6.102  worker 2   gets run 1.2 of dan: "Oi"
     6.102  handler    is asked in run 1.2 of dan: "Oi"
     6.122  worker 2   hands the answer of run 1.2 over
     6.123  worker 2   hears go for run 1.2
     6.124  channel    shows in dan: "Re: Oi"
     6.125  worker 2   reports run 1.2: done
     6.125  worker 2   hears that run 1.2 is settled
    10.600  why        dan is done, with 0 messages, 1 attempts
