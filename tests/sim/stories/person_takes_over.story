# Somebody of the team answers while the model is at it: its answer is not shown. What is written meanwhile waits, and
# when the thread is given back it is only recorded; what comes afterwards is answered.
set acme quiet 1s
set acme on_resume record
start worker 1
wait 1s
handler well in 5s
say ana "Quanto custa?"
wait 2s
person ana "Dez reais"
wait 1s
why ana
say ana "Obrigada"
wait 3s
why ana
resume ana
wait 3s
say ana "Mais uma coisa"
wait 3s
why ana
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in ana: "Quanto custa?"
     1.100  people     hear of "Quanto custa?": accepted
     2.100  worker 1   gets run 1.1 of ana: "Quanto custa?"
     2.101  handler    is asked in run 1.1 of ana: "Quanto custa?"
     3.100  people     of the team answer in ana: "Dez reais"
     3.100  worker 1   hears cancel for run 1.1: held
     3.100  people     hear of that: accepted
     4.100  why        ana is held, with 1 messages, 0 attempts
     4.100  people     write in ana: "Obrigada"
     4.100  people     hear of "Obrigada": accepted
     7.100  why        ana is held, with 2 messages, 0 attempts
     7.100  people     of the team give back ana
     7.100  worker 1   gets run 1.2 of ana, only to record: "Quanto custa?", "Obrigada"
     7.100  people     hear of that: accepted
     7.101  handler    is asked in run 1.2 of ana: "Quanto custa?|Obrigada"
     7.121  worker 1   reports run 1.2: done
     7.122  worker 1   hears that run 1.2 is settled
    10.100  people     write in ana: "Mais uma coisa"
    10.100  people     hear of "Mais uma coisa": accepted
    11.100  worker 1   gets run 1.3 of ana: "Mais uma coisa"
    11.101  handler    is asked in run 1.3 of ana: "Mais uma coisa"
    11.121  worker 1   hands the answer of run 1.3 over
    11.121  worker 1   hears go for run 1.3
    11.122  channel    shows in ana: "Re: Mais uma coisa"
    11.123  worker 1   reports run 1.3: done
    11.124  worker 1   hears that run 1.3 is settled
    13.100  why        ana is done, with 0 messages, 1 attempts
