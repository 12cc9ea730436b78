# Somebody who is still typing is not interrupted by a reply: the batch waits for the sign to end, whichever way.
set acme quiet 1s
set acme typing_hold 4s
start worker 1
wait 1s
say ana "Oi"
wait 500ms
type ana
wait 3s
why ana
say ana "quero um bolo"
wait 2s
say ben "Oi"
wait 500ms
type ben
wait 500ms
pause ben
wait 2s
why ben
say cleo "Oi"
wait 500ms
type cleo
wait 3s
type cleo
wait 3s
type cleo
wait 3s
type cleo
wait 3s
why cleo
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in ana: "Oi"
     1.100  people     hear of "Oi": accepted
     1.600  people     type in ana
     1.600  people     hear of that: accepted
     4.600  why        ana is collecting, with 1 messages, 0 attempts
     4.600  people     write in ana: "quero um bolo"
     4.600  people     hear of "quero um bolo": accepted
     5.600  worker 1   gets run 1.1 of ana: "Oi", "quero um bolo"
     5.601  handler    is asked in run 1.1 of ana: "Oi|quero um bolo"
     5.621  worker 1   hands the answer of run 1.1 over
     5.622  worker 1   hears go for run 1.1
     5.623  channel    shows in ana: "Re: Oi|quero um bolo"
     5.623  worker 1   reports run 1.1: done
     5.624  worker 1   hears that run 1.1 is settled
     6.600  people     write in ben: "Oi"
     6.600  people     hear of "Oi": accepted
     7.100  people     type in ben
     7.100  people     hear of that: accepted
     7.600  people     pause in ben
     7.600  people     hear of that: accepted
     8.600  worker 1   gets run 1.2 of ben: "Oi"
     8.601  handler    is asked in run 1.2 of ben: "Oi"
     8.621  worker 1   hands the answer of run 1.2 over
     8.621  worker 1   hears go for run 1.2
     8.622  channel    shows in ben: "Re: Oi"
     8.623  worker 1   reports run 1.2: done
     8.624  worker 1   hears that run 1.2 is settled
     9.600  why        ben is done, with 0 messages, 1 attempts
     9.600  people     write in cleo: "Oi"
     9.600  people     hear of "Oi": accepted
    10.100  people     type in cleo
    10.100  people     hear of that: accepted
    13.100  people     type in cleo
    13.100  people     hear of that: accepted
    16.100  people     type in cleo
    16.100  people     hear of that: accepted
    19.100  people     type in cleo
    19.100  people     hear of that: accepted
    19.600  worker 1   gets run 1.3 of cleo: "Oi"
    19.601  handler    is asked in run 1.3 of cleo: "Oi"
    19.621  worker 1   hands the answer of run 1.3 over
    19.621  worker 1   hears go for run 1.3
    19.622  channel    shows in cleo: "Re: Oi"
    19.623  worker 1   reports run 1.3: done
    19.624  worker 1   hears that run 1.3 is settled
    22.100  why        cleo is done, with 0 messages, 1 attempts
