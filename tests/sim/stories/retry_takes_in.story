# A retry takes in what came meanwhile; the attempts are counted, and after the last the batch is kept as a dead
# letter.
set acme quiet 0s
set acme attempts 3
start worker 1
wait 1s
handler fails
say cleo "Oi"
wait 1s
why cleo
say cleo "Are you there?"
handler fails
wait 3s
why cleo
handler fails
wait 5s
why cleo
say cleo "Oi again"
wait 2s
why cleo
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in cleo: "Oi"
     1.100  worker 1   gets run 1.1 of cleo: "Oi"
     1.100  people     hear of "Oi": accepted
     1.101  handler    is asked in run 1.1 of cleo: "Oi"
     1.121  worker 1   reports run 1.1: failed, http_500
     1.122  worker 1   hears that run 1.1 is settled
     2.100  why        cleo is backoff, with 1 messages, 1 attempts, after http_500
     2.100  people     write in cleo: "Are you there?"
     2.100  people     hear of "Are you there?": accepted
     3.121  worker 1   gets run 1.2 of cleo: "Oi", "Are you there?"
     3.122  handler    is asked in run 1.2 of cleo: "Oi|Are you there?"
     3.142  worker 1   reports run 1.2: failed, http_500
     3.143  worker 1   hears that run 1.2 is settled
     5.100  why        cleo is backoff, with 2 messages, 2 attempts, after http_500
     7.142  worker 1   gets run 1.3 of cleo: "Oi", "Are you there?"
     7.143  handler    is asked in run 1.3 of cleo: "Oi|Are you there?"
     7.163  worker 1   reports run 1.3: failed, http_500
     7.164  worker 1   hears that run 1.3 is settled
    10.100  why        cleo is dead, with 0 messages, 3 attempts, after http_500
    10.100  people     write in cleo: "Oi again"
    10.100  worker 1   gets run 1.4 of cleo: "Oi again"
    10.100  people     hear of "Oi again": accepted
    10.101  handler    is asked in run 1.4 of cleo: "Oi again"
    10.121  worker 1   hands the answer of run 1.4 over
    10.122  worker 1   hears go for run 1.4
    10.123  channel    shows in cleo: "Re: Oi again"
    10.123  worker 1   reports run 1.4: done
    10.124  worker 1   hears that run 1.4 is settled
    12.100  why        cleo is done, with 0 messages, 1 attempts
