# What comes while a run goes on waits, and goes out as one batch as soon as that run is done and its own quiet is
# over: never beside it, never a whole quiet later.
set acme quiet 2s
start worker 1
start worker 2
wait 1s
say ana "Oi"
handler well in 5s
wait 3s
say ana "Hello?"
wait 500ms
say ana "Anybody?"
wait 1s
why ana
wait 4s
why ana
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.100  worker 2   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 2   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     0.101  worker 2   is welcome
     1.100  people     write in ana: "Oi"
     1.100  people     hear of "Oi": accepted
     3.100  worker 1   gets run 1.1 of ana: "Oi"
     3.101  handler    is asked in run 1.1 of ana: "Oi"
     4.100  people     write in ana: "Hello?"
     4.100  people     hear of "Hello?": accepted
     4.600  people     write in ana: "Anybody?"
     4.600  people     hear of "Anybody?": accepted
     5.600  why        ana is running, with 3 messages, 0 attempts
     8.101  worker 1   hands the answer of run 1.1 over
     8.102  worker 1   hears go for run 1.1
     8.103  channel    shows in ana: "Re: Oi"
     8.103  worker 1   reports run 1.1: done
     8.104  worker 1   hears that run 1.1 is settled
     8.104  worker 2   gets run 1.2 of ana: "Hello?", "Anybody?"
     8.105  handler    is asked in run 1.2 of ana: "Hello?|Anybody?"
     8.125  worker 2   hands the answer of run 1.2 over
     8.125  worker 2   hears go for run 1.2
     8.126  channel    shows in ana: "Re: Hello?|Anybody?"
     8.127  worker 2   reports run 1.2: done
     8.128  worker 2   hears that run 1.2 is settled
     9.600  why        ana is done, with 0 messages, 1 attempts
