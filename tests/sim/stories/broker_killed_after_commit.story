# The broker dies between the commit and the acknowledgement: the producer says it again, and it is taken in once.
set acme quiet 1s
start worker 1
wait 1s
kill broker after commit for 1s
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
     2.200  people     hear of "Oi": known already
     2.201  worker 1   says hello, with 2 slots, holding 0
     2.202  worker 1   is welcome
     2.202  worker 1   gets run 2.1 of finn: "Oi"
     2.203  handler    is asked in run 2.1 of finn: "Oi"
     2.223  worker 1   hands the answer of run 2.1 over
     2.223  worker 1   hears go for run 2.1
     2.224  channel    shows in finn: "Re: Oi"
     2.225  worker 1   reports run 2.1: done
     2.226  worker 1   hears that run 2.1 is settled
    11.100  why        finn is done, with 0 messages, 1 attempts
