# A conversation that was closed is held until the person writes again; one that an operator holds stays held.
set acme quiet 1s
start worker 1
wait 1s
close ana
wait 500ms
why ana
say ana "Oi de novo"
wait 2s
operator hold ben
wait 500ms
close ben
say ben "Oi"
resume ben
wait 2s
why ben
operator resume ben
wait 2s
why ben
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     of the team close ana
     1.100  people     hear of that: accepted
     1.600  why        ana is held, with 0 messages, 0 attempts
     1.600  people     write in ana: "Oi de novo"
     1.600  people     hear of "Oi de novo": accepted
     2.600  worker 1   gets run 1.1 of ana: "Oi de novo"
     2.601  handler    is asked in run 1.1 of ana: "Oi de novo"
     2.621  worker 1   hands the answer of run 1.1 over
     2.622  worker 1   hears go for run 1.1
     2.623  channel    shows in ana: "Re: Oi de novo"
     2.623  worker 1   reports run 1.1: done
     2.624  worker 1   hears that run 1.1 is settled
     3.600  operator   asks {"cmd":"hold","tenant":"acme","thread":"ben","for_ms":4000}
     3.600  operator   hears {"held":1,"until":"2026-11-18T11:23:27.600Z"}
     4.100  people     of the team close ben
     4.100  people     write in ben: "Oi"
     4.100  people     of the team give back ben
     4.100  people     hear of that: accepted
     4.101  people     hear of "Oi": accepted
     4.101  people     hear of that: accepted
     6.100  why        ben is held, with 1 messages, 0 attempts
     6.100  operator   asks {"cmd":"resume","tenant":"acme","thread":"ben"}
     6.100  worker 1   gets run 1.2 of ben: "Oi"
     6.100  operator   hears {"resumed":1}
     6.101  handler    is asked in run 1.2 of ben: "Oi"
     6.121  worker 1   hands the answer of run 1.2 over
     6.122  worker 1   hears go for run 1.2
     6.123  channel    shows in ben: "Re: Oi"
     6.123  worker 1   reports run 1.2: done
     6.124  worker 1   hears that run 1.2 is settled
     8.100  why        ben is done, with 0 messages, 1 attempts
