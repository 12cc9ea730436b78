# A burst becomes one batch, one call and one reply, when the person has fallen silent.
set acme quiet 2s
start worker 1
wait 1s
say ana "Oi"
wait 500ms
say ana "Tudo bem?"
wait 700ms
say ana "Quanto custa?"
wait 1s
why ana
wait 2s
why ana
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in ana: "Oi"
     1.100  people     hear of "Oi": accepted
     1.600  people     write in ana: "Tudo bem?"
     1.600  people     hear of "Tudo bem?": accepted
     2.300  people     write in ana: "Quanto custa?"
     2.300  people     hear of "Quanto custa?": accepted
     3.300  why        ana is collecting, with 3 messages, 0 attempts
     4.300  worker 1   gets run 1.1 of ana: "Oi", "Tudo bem?", "Quanto custa?"
     4.301  handler    is asked in run 1.1 of ana: "Oi|Tudo bem?|Quanto custa?"
     4.321  worker 1   hands the answer of run 1.1 over
     4.322  worker 1   hears go for run 1.1
     4.323  channel    shows in ana: "Re: Oi|Tudo bem?|Quanto custa?"
     4.323  worker 1   reports run 1.1: done
     4.324  worker 1   hears that run 1.1 is settled
     5.300  why        ana is done, with 0 messages, 1 attempts
