# A worker stands still past its lease and its lock, and wakes with the answer in its hands: it posts nothing.
# Another one has answered meanwhile.
set acme quiet 0s
start worker 1
wait 1s
handler well in 1s
say eva "Oi"
wait 500ms
stop worker 1 for 20s
start worker 2
wait 10s
why eva
wait 15s
why eva
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in eva: "Oi"
     1.100  worker 1   gets run 1.1 of eva: "Oi"
     1.100  people     hear of "Oi": accepted
     1.101  handler    is asked in run 1.1 of eva: "Oi"
     1.600  worker 1   stands still for 20 s
     1.600  worker 2   starts, with 2 slots
     1.601  worker 2   says hello, with 2 slots, holding 0
     1.601  worker 2   is welcome
     6.102  worker 2   gets run 1.2 of eva: "Oi"
     6.102  handler    is asked in run 1.2 of eva: "Oi"
     6.122  worker 2   hands the answer of run 1.2 over
     6.123  worker 2   hears go for run 1.2
     6.124  channel    shows in eva: "Re: Oi"
     6.125  worker 2   reports run 1.2: done
     6.125  worker 2   hears that run 1.2 is settled
    11.600  why        eva is done, with 0 messages, 1 attempts
    21.650  worker 1   says hello, with 2 slots, holding 1
    21.650  worker 1   hears cancel for run 1.1: stale
    21.650  worker 1   is welcome
    26.600  why        eva is done, with 0 messages, 1 attempts
