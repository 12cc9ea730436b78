# The calendar is set back by an hour while a thread collects: nobody waits an hour for it. Also not after a
# restart.
set acme quiet 3s
start worker 1
wait 1s
say cleo "Oi"
wait 1s
clock -1h
wait 3s
why cleo
say dan "Ola"
wait 1s
clock -1h
kill broker for 1s
wait 15s
why dan
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in cleo: "Oi"
     1.100  people     hear of "Oi": accepted
     2.100  clock      the calendar steps by -3600 s
     4.100  worker 1   gets run 1.1 of cleo: "Oi"
     4.101  handler    is asked in run 1.1 of cleo: "Oi"
     4.121  worker 1   hands the answer of run 1.1 over
     4.122  worker 1   hears go for run 1.1
     4.123  channel    shows in cleo: "Re: Oi"
     4.123  worker 1   reports run 1.1: done
     4.124  worker 1   hears that run 1.1 is settled
     5.100  why        cleo is done, with 0 messages, 1 attempts
     5.100  people     write in dan: "Ola"
     5.100  people     hear of "Ola": accepted
     6.100  clock      the calendar steps by -3600 s
     6.100  broker     is killed
     7.100  broker     starts, epoch 2
     7.201  worker 1   says hello, with 2 slots, holding 0
     7.202  worker 1   is welcome
    10.100  worker 1   gets run 2.1 of dan: "Ola"
    10.100  handler    is asked in run 2.1 of dan: "Ola"
    10.120  worker 1   hands the answer of run 2.1 over
    10.121  worker 1   hears go for run 2.1
    10.122  channel    shows in dan: "Re: Ola"
    10.123  worker 1   reports run 2.1: done
    10.123  worker 1   hears that run 2.1 is settled
    21.100  why        dan is done, with 0 messages, 1 attempts
