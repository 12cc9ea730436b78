# A person goes on writing while the handler is being asked: the run is cancelled, and what has come is answered
# together. At most as often as the tenant wants, and not once the answer is there.
set acme interrupts 2
start worker 1
wait 1s
say ana "I would like"
handler silent
wait 3s
say ana "a table"
handler silent
wait 3s
say ana "for two"
handler well in 4s
wait 3s
say ana "tonight"
why ana
wait 6s
why ana
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in ana: "I would like"
     1.100  people     hear of "I would like": accepted
     3.100  worker 1   gets run 1.1 of ana: "I would like"
     3.101  handler    is asked in run 1.1 of ana: "I would like"
     4.100  people     write in ana: "a table"
     4.100  worker 1   hears cancel for run 1.1: interrupted
     4.100  people     hear of "a table": accepted
     6.100  worker 1   gets run 1.2 of ana: "I would like", "a table"
     6.101  handler    is asked in run 1.2 of ana: "I would like|a table"
     7.100  people     write in ana: "for two"
     7.100  worker 1   hears cancel for run 1.2: interrupted
     7.100  people     hear of "for two": accepted
     9.100  worker 1   gets run 1.3 of ana: "I would like", "a table", "for two"
     9.101  handler    is asked in run 1.3 of ana: "I would like|a table|for two"
    10.100  people     write in ana: "tonight"
    10.100  why        ana is running, with 3 messages, 0 attempts
    10.100  people     hear of "tonight": accepted
    13.101  worker 1   hands the answer of run 1.3 over
    13.101  worker 1   hears go for run 1.3
    13.102  channel    shows in ana: "Re: I would like|a table|for two"
    13.103  worker 1   reports run 1.3: done
    13.104  worker 1   hears that run 1.3 is settled
    13.104  worker 1   gets run 1.4 of ana: "tonight"
    13.104  handler    is asked in run 1.4 of ana: "tonight"
    13.124  worker 1   hands the answer of run 1.4 over
    13.125  worker 1   hears go for run 1.4
    13.126  channel    shows in ana: "Re: tonight"
    13.126  worker 1   reports run 1.4: done
    13.127  worker 1   hears that run 1.4 is settled
    16.100  why        ana is done, with 0 messages, 1 attempts
