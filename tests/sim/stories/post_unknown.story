# A reply is posted and the connection breaks before the channel says so: nobody can know. It is posted again, and
# that is counted as the one case in which a reply may be seen twice.
set acme quiet 0s
start worker 1
wait 1s
channel unknown
say ben "Oi"
wait 10s
why ben
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in ben: "Oi"
     1.100  worker 1   gets run 1.1 of ben: "Oi"
     1.100  people     hear of "Oi": accepted
     1.101  handler    is asked in run 1.1 of ben: "Oi"
     1.121  worker 1   hands the answer of run 1.1 over
     1.122  worker 1   hears go for run 1.1
     1.123  channel    shows in ben: "Re: Oi"
     1.123  worker 1   reports run 1.1: failed, broken, in doubt
     1.124  worker 1   hears that run 1.1 is settled
     3.124  worker 1   gets run 1.2 of ben, answered, in doubt: "Oi"
     3.125  channel    shows in ben: "Re: Oi"
     3.125  worker 1   reports run 1.2: done
     3.126  worker 1   hears that run 1.2 is settled
    11.100  why        ben is done, with 0 messages, 2 attempts
