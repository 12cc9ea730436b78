# One tenant floods, the other says a word: its turn comes with the next free slot.
set acme quiet 0s
set bolt quiet 0s
set slots 1
start worker 1
wait 1s
say ana "1"
say ben "2"
say cleo "3"
say dan "4"
say eva "5"
say finn "6"
say gil "7"
say hugo "8"
say ida "a word"
wait 1s
why ida
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 1 slots
     0.101  worker 1   says hello, with 1 slots, holding 0
     0.101  worker 1   is welcome
     1.100  people     write in ana: "1"
     1.100  people     write in ben: "2"
     1.100  people     write in cleo: "3"
     1.100  people     write in dan: "4"
     1.100  people     write in eva: "5"
     1.100  people     write in finn: "6"
     1.100  people     write in gil: "7"
     1.100  people     write in hugo: "8"
     1.100  people     write in ida: "a word"
     1.100  worker 1   gets run 1.1 of ana: "1"
     1.100  people     hear of "1": accepted
     1.101  handler    is asked in run 1.1 of ana: "1"
     1.101  people     hear of "2": accepted
     1.101  people     hear of "3": accepted
     1.101  people     hear of "4": accepted
     1.101  people     hear of "5": accepted
     1.101  people     hear of "6": accepted
     1.101  people     hear of "7": accepted
     1.101  people     hear of "8": accepted
     1.101  people     hear of "a word": accepted
     1.121  worker 1   hands the answer of run 1.1 over
     1.122  worker 1   hears go for run 1.1
     1.123  channel    shows in ana: "Re: 1"
     1.123  worker 1   reports run 1.1: done
     1.124  worker 1   hears that run 1.1 is settled
     1.124  worker 1   gets run 1.2 of ben: "2"
     1.125  handler    is asked in run 1.2 of ben: "2"
     1.145  worker 1   hands the answer of run 1.2 over
     1.145  worker 1   hears go for run 1.2
     1.146  channel    shows in ben: "Re: 2"
     1.147  worker 1   reports run 1.2: done
     1.148  worker 1   hears that run 1.2 is settled
     1.148  worker 1   gets run 1.3 of ida: "a word"
     1.148  handler    is asked in run 1.3 of ida: "a word"
     1.168  worker 1   hands the answer of run 1.3 over
     1.169  worker 1   hears go for run 1.3
     1.170  channel    shows in ida: "Re: a word"
     1.170  worker 1   reports run 1.3: done
     1.171  worker 1   hears that run 1.3 is settled
     1.171  worker 1   gets run 1.4 of cleo: "3"
     1.172  handler    is asked in run 1.4 of cleo: "3"
     1.192  worker 1   hands the answer of run 1.4 over
     1.193  worker 1   hears go for run 1.4
     1.194  channel    shows in cleo: "Re: 3"
     1.194  worker 1   reports run 1.4: done
     1.195  worker 1   hears that run 1.4 is settled
     1.195  worker 1   gets run 1.5 of dan: "4"
     1.195  handler    is asked in run 1.5 of dan: "4"
     1.215  worker 1   hands the answer of run 1.5 over
     1.216  worker 1   hears go for run 1.5
     1.217  channel    shows in dan: "Re: 4"
     1.218  worker 1   reports run 1.5: done
     1.218  worker 1   hears that run 1.5 is settled
     1.218  worker 1   gets run 1.6 of eva: "5"
     1.219  handler    is asked in run 1.6 of eva: "5"
     1.239  worker 1   hands the answer of run 1.6 over
     1.240  worker 1   hears go for run 1.6
     1.241  channel    shows in eva: "Re: 5"
     1.241  worker 1   reports run 1.6: done
     1.242  worker 1   hears that run 1.6 is settled
     1.242  worker 1   gets run 1.7 of finn: "6"
     1.243  handler    is asked in run 1.7 of finn: "6"
     1.263  worker 1   hands the answer of run 1.7 over
     1.263  worker 1   hears go for run 1.7
     1.264  channel    shows in finn: "Re: 6"
     1.265  worker 1   reports run 1.7: done
     1.266  worker 1   hears that run 1.7 is settled
     1.266  worker 1   gets run 1.8 of gil: "7"
     1.266  handler    is asked in run 1.8 of gil: "7"
     1.286  worker 1   hands the answer of run 1.8 over
     1.287  worker 1   hears go for run 1.8
     1.288  channel    shows in gil: "Re: 7"
     1.289  worker 1   reports run 1.8: done
     1.289  worker 1   hears that run 1.8 is settled
     1.289  worker 1   gets run 1.9 of hugo: "8"
     1.290  handler    is asked in run 1.9 of hugo: "8"
     1.310  worker 1   hands the answer of run 1.9 over
     1.311  worker 1   hears go for run 1.9
     1.312  channel    shows in hugo: "Re: 8"
     1.312  worker 1   reports run 1.9: done
     1.313  worker 1   hears that run 1.9 is settled
     2.100  why        ida is done, with 0 messages, 1 attempts
