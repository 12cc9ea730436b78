# The broker dies before the commit: nothing was acknowledged, so nothing is lost; the producer says it again.
set acme quiet 1s
start worker 1
wait 1s
kill broker before commit for 1s
say finn "Oi" id wamid.1
wait 10s
why finn
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in finn: "Oi"
     1.100  broker     is killed
     2.100  broker     starts, epoch 2
     2.200  people     hear of "Oi": accepted
     2.201  worker 1   says hello, with 2 slots, holding 0
     2.202  worker 1   is welcome
     3.200  worker 1   gets run 2.1 of finn: "Oi"
     3.201  handler    is asked in run 2.1 of finn: "Oi"
     3.221  worker 1   hands the answer of run 2.1 over
     3.222  worker 1   hears go for run 2.1
     3.223  channel    shows in finn: "Re: Oi"
     3.223  worker 1   reports run 2.1: done
     3.224  worker 1   hears that run 2.1 is settled
    11.100  why        finn is done, with 0 messages, 1 attempts
