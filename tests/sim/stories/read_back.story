# The channel takes the reply, and the connection breaks before it says so. Where the channel can be read back, the next
# run finds the reply there, and does not post it again.
start worker 1
wait 1s
say ida "Oi"
channel lost
wait 3s
channel lost
wait 4s
why ida
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in ida: "Oi"
     1.100  people     hear of "Oi": accepted
     3.100  worker 1   gets run 1.1 of ida: "Oi"
     3.101  handler    is asked in run 1.1 of ida: "Oi"
     3.121  worker 1   hands the answer of run 1.1 over
     3.122  worker 1   hears go for run 1.1
     3.123  channel    shows in ida: "Re: Oi"
     3.123  worker 1   reports run 1.1: failed, broken, in doubt
     3.124  worker 1   hears that run 1.1 is settled
     5.124  worker 1   gets run 1.2 of ida, answered, in doubt: "Oi"
     5.124  channel    is asked for reply 0 of run 1.2: it is there
     5.125  worker 1   reports run 1.2: done
     5.125  worker 1   hears that run 1.2 is settled
     8.100  why        ida is done, with 0 messages, 2 attempts
