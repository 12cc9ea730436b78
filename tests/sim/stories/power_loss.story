# Power is lost, and with it whatever the disk had not been made to keep: what was acknowledged is there.
set acme quiet 3s
start worker 1
wait 1s
say gil "Oi"
say hugo "Ola"
wait 1s
power loss for 2s
wait 10s
why gil
why hugo
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in gil: "Oi"
     1.100  people     write in hugo: "Ola"
     1.100  people     hear of "Oi": accepted
     1.101  people     hear of "Ola": accepted
     2.100  broker     loses power
     4.100  broker     starts, epoch 2
     4.101  worker 1   says hello, with 2 slots, holding 0
     4.102  worker 1   is welcome
     4.102  worker 1   gets run 2.1 of gil: "Oi"
     4.102  worker 1   gets run 2.2 of hugo: "Ola"
     4.103  handler    is asked in run 2.1 of gil: "Oi"
     4.103  handler    is asked in run 2.2 of hugo: "Ola"
     4.123  worker 1   hands the answer of run 2.1 over
     4.123  worker 1   hands the answer of run 2.2 over
     4.123  worker 1   hears go for run 2.1
     4.123  worker 1   hears go for run 2.2
     4.124  channel    shows in gil: "Re: Oi"
     4.124  channel    shows in hugo: "Re: Ola"
     4.125  worker 1   reports run 2.1: done
     4.125  worker 1   reports run 2.2: done
     4.126  worker 1   hears that run 2.1 is settled
     4.126  worker 1   hears that run 2.2 is settled
    12.100  why        gil is done, with 0 messages, 1 attempts
    12.100  why        hugo is done, with 0 messages, 1 attempts
