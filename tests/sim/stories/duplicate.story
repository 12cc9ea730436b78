# A platform calls its webhook twice, also after a restart of the broker: the message is taken in once.
set acme quiet 1s
start worker 1
wait 1s
say ana "Oi" id wamid.7
wait 100ms
say ana "Oi" id wamid.7
wait 3s
kill broker for 1s
wait 7s
say ana "Oi" id wamid.7
wait 3s
why ana
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in ana: "Oi"
     1.100  people     hear of "Oi": accepted
     1.200  people     write in ana: "Oi"
     1.200  people     hear of "Oi": known already
     2.100  worker 1   gets run 1.1 of ana: "Oi"
     2.101  handler    is asked in run 1.1 of ana: "Oi"
     2.121  worker 1   hands the answer of run 1.1 over
     2.122  worker 1   hears go for run 1.1
     2.123  channel    shows in ana: "Re: Oi"
     2.123  worker 1   reports run 1.1: done
     2.124  worker 1   hears that run 1.1 is settled
     4.200  broker     is killed
     5.200  broker     starts, epoch 2
     5.301  worker 1   says hello, with 2 slots, holding 0
     5.302  worker 1   is welcome
    11.200  people     write in ana: "Oi"
    11.200  people     hear of "Oi": known already
    14.200  why        ana is unknown, with 0 messages, 0 attempts
