# The broker is killed while a handler is being asked. The worker goes on, names its lease to the next broker, and
# its result counts: the model is asked once.
set acme quiet 0s
start worker 1
wait 1s
handler well in 4s
say eva "Oi"
wait 1s
kill broker for 1s
wait 10s
why eva
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in eva: "Oi"
     1.100  worker 1   gets run 1.1 of eva: "Oi"
     1.100  people     hear of "Oi": accepted
     1.101  handler    is asked in run 1.1 of eva: "Oi"
     2.100  broker     is killed
     3.100  broker     starts, epoch 2
     3.201  worker 1   says hello, with 2 slots, holding 1
     3.202  worker 1   is welcome
     5.101  worker 1   hands the answer of run 1.1 over
     5.102  worker 1   hears go for run 1.1
     5.103  channel    shows in eva: "Re: Oi"
     5.103  worker 1   reports run 1.1: done
     5.104  worker 1   hears that run 1.1 is settled
    12.100  why        eva is done, with 0 messages, 1 attempts
