# Redis forgets everything while a handler is being asked: the worker finds out at its next extension and reports
# that it lost the lock, instead of posting; the batch is tried again.
set acme quiet 0s
start worker 1
wait 1s
handler well in 6s
say ben "Oi"
wait 1s
redis flush
wait 4s
why ben
wait 6s
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
     2.100  Redis      is flushed
     4.100  worker 1   reports run 1.1: failed, lock_lost
     4.101  worker 1   hears that run 1.1 is settled
     4.101  worker 1   hears cancel for run 1.1: stale
     6.100  why        ben is backoff, with 1 messages, 1 attempts, after lock_lost
     6.101  worker 1   gets run 1.2 of ben: "Oi"
     6.102  handler    is asked in run 1.2 of ben: "Oi"
     6.122  worker 1   hands the answer of run 1.2 over
     6.122  worker 1   hears go for run 1.2
     6.123  channel    shows in ben: "Re: Oi"
     6.124  worker 1   reports run 1.2: done
     6.124  worker 1   hears that run 1.2 is settled
    12.100  why        ben is done, with 0 messages, 2 attempts
