# In the middle of a burst the platform finds out that the number and the name are one person: the burst stays one
# batch, in the thread that it began in, and so does what comes later under either name.
set acme quiet 2s
start worker 1
wait 1s
say ana "Oi"
wait 500ms
say ben "sou eu" also ana
wait 500ms
say ben "Quanto custa?"
wait 1s
why ben
wait 3s
say ana "Obrigada"
wait 1s
kill broker for 1s
wait 10s
say ben "Tchau"
wait 5s
why ana
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in ana: "Oi"
     1.100  people     hear of "Oi": accepted
     1.600  people     write in ben, who is ana: "sou eu"
     1.600  people     hear of "sou eu": accepted
     2.100  people     write in ben: "Quanto custa?"
     2.100  people     hear of "Quanto custa?": accepted
     3.100  why        ana is collecting, with 3 messages, 0 attempts
     4.100  worker 1   gets run 1.1 of ana: "Oi", "sou eu", "Quanto custa?"
     4.101  handler    is asked in run 1.1 of ana: "Oi|sou eu|Quanto custa?"
     4.121  worker 1   hands the answer of run 1.1 over
     4.122  worker 1   hears go for run 1.1
     4.123  channel    shows in ana: "Re: Oi|sou eu|Quanto custa?"
     4.123  worker 1   reports run 1.1: done
     4.124  worker 1   hears that run 1.1 is settled
     6.100  people     write in ana: "Obrigada"
     6.100  people     hear of "Obrigada": accepted
     7.100  broker     is killed
     8.100  broker     starts, epoch 2
     8.201  worker 1   says hello, with 2 slots, holding 0
     8.202  worker 1   is welcome
     8.202  worker 1   gets run 2.1 of ana: "Obrigada"
     8.203  handler    is asked in run 2.1 of ana: "Obrigada"
     8.223  worker 1   hands the answer of run 2.1 over
     8.223  worker 1   hears go for run 2.1
     8.224  channel    shows in ana: "Re: Obrigada"
     8.225  worker 1   reports run 2.1: done
     8.226  worker 1   hears that run 2.1 is settled
    17.100  people     write in ben: "Tchau"
    17.100  people     hear of "Tchau": accepted
    19.100  worker 1   gets run 2.2 of ana: "Tchau"
    19.101  handler    is asked in run 2.2 of ana: "Tchau"
    19.121  worker 1   hands the answer of run 2.2 over
    19.121  worker 1   hears go for run 2.2
    19.122  channel    shows in ana: "Re: Tchau"
    19.123  worker 1   reports run 2.2: done
    19.124  worker 1   hears that run 2.2 is settled
    22.100  why        ana is done, with 0 messages, 1 attempts
