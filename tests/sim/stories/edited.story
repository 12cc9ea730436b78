# A message is mended, another one taken back, and a voice is written down before anybody has answered: the model sees
# what is meant now. Once it has seen a message, that stays.
set acme quiet 1s
set acme transcription_wait 5s
start worker 1
wait 1s
say ana "Quero dois" id wamid.1
wait 500ms
edit ana wamid.1 "Quero tres"
say ana "ou quatro" id wamid.2
delete ana wamid.2
wait 3s
edit ana wamid.1 "Quero cem"
voice ben wamid.3
wait 3s
why ben
edit ben wamid.3 "Bom dia"
wait 2s
why ben
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in ana: "Quero dois"
     1.100  people     hear of "Quero dois": accepted
     1.600  people     mend a message in ana: "Quero tres"
     1.600  people     write in ana: "ou quatro"
     1.600  people     take a message back in ana
     1.600  people     hear of that: accepted
     1.601  people     hear of "ou quatro": accepted
     1.601  people     hear of that: accepted
     2.601  worker 1   gets run 1.1 of ana: "Quero tres", ""
     2.602  handler    is asked in run 1.1 of ana: "Quero tres"
     2.622  worker 1   hands the answer of run 1.1 over
     2.622  worker 1   hears go for run 1.1
     2.623  channel    shows in ana: "Re: Quero tres"
     2.624  worker 1   reports run 1.1: done
     2.625  worker 1   hears that run 1.1 is settled
     4.600  people     mend a message in ana: "Quero cem"
     4.600  people     write in ben: "", a voice
     4.600  people     hear of that: accepted
     4.601  people     hear of "a voice": accepted
     7.600  why        ben is collecting, with 1 messages, 0 attempts
     7.600  people     mend a message in ben: "Bom dia"
     7.600  worker 1   gets run 1.2 of ben: "Bom dia"
     7.600  people     hear of that: accepted
     7.601  handler    is asked in run 1.2 of ben: "Bom dia"
     7.621  worker 1   hands the answer of run 1.2 over
     7.622  worker 1   hears go for run 1.2
     7.623  channel    shows in ben: "Re: Bom dia"
     7.623  worker 1   reports run 1.2: done
     7.624  worker 1   hears that run 1.2 is settled
     9.600  why        ben is done, with 0 messages, 1 attempts
