# Twenty messages in a row on a thread that is always busy: no lockstep, no dead letter, each answered once, in
# order.
set acme quiet 0s
start worker 1
start worker 2
wait 1s
handler well in 3s
say ben "1"
wait 100ms
say ben "2"
say ben "3"
say ben "4"
say ben "5"
wait 100ms
say ben "6"
say ben "7"
say ben "8"
say ben "9"
say ben "10"
wait 1s
say ben "11"
say ben "12"
say ben "13"
say ben "14"
say ben "15"
wait 1s
say ben "16"
say ben "17"
say ben "18"
say ben "19"
say ben "20"
wait 5s
why ben
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 2 slots
     0.100  worker 2   starts, with 2 slots
     0.101  worker 1   says hello, with 2 slots, holding 0
     0.101  worker 2   says hello, with 2 slots, holding 0
     0.101  worker 1   is welcome
     0.101  worker 2   is welcome
     1.100  people     write in ben: "1"
     1.100  worker 1   gets run 1.1 of ben: "1"
     1.100  people     hear of "1": accepted
     1.101  handler    is asked in run 1.1 of ben: "1"
     1.200  people     write in ben: "2"
     1.200  people     write in ben: "3"
     1.200  people     write in ben: "4"
     1.200  people     write in ben: "5"
     1.200  people     hear of "2": accepted
     1.201  people     hear of "3": accepted
     1.201  people     hear of "4": accepted
     1.201  people     hear of "5": accepted
     1.300  people     write in ben: "6"
     1.300  people     write in ben: "7"
     1.300  people     write in ben: "8"
     1.300  people     write in ben: "9"
     1.300  people     write in ben: "10"
     1.300  people     hear of "6": accepted
     1.301  people     hear of "7": accepted
     1.301  people     hear of "8": accepted
     1.301  people     hear of "9": accepted
     1.301  people     hear of "10": accepted
     2.300  people     write in ben: "11"
     2.300  people     write in ben: "12"
     2.300  people     write in ben: "13"
     2.300  people     write in ben: "14"
     2.300  people     write in ben: "15"
     2.300  people     hear of "11": accepted
     2.301  people     hear of "12": accepted
     2.301  people     hear of "13": accepted
     2.301  people     hear of "14": accepted
     2.301  people     hear of "15": accepted
     3.300  people     write in ben: "16"
     3.300  people     write in ben: "17"
     3.300  people     write in ben: "18"
     3.300  people     write in ben: "19"
     3.300  people     write in ben: "20"
     3.300  people     hear of "16": accepted
     3.301  people     hear of "17": accepted
     3.301  people     hear of "18": accepted
     3.301  people     hear of "19": accepted
     3.301  people     hear of "20": accepted
     4.101  worker 1   hands the answer of run 1.1 over
     4.102  worker 1   hears go for run 1.1
     4.103  channel    shows in ben: "Re: 1"
     4.103  worker 1   reports run 1.1: done
     4.104  worker 1   hears that run 1.1 is settled
     4.104  worker 2   gets run 1.2 of ben: "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "1...
     4.105  handler    is asked in run 1.2 of ben: "2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20"
     4.125  worker 2   hands the answer of run 1.2 over
     4.125  worker 2   hears go for run 1.2
     4.126  channel    shows in ben: "Re: 2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20"
     4.127  worker 2   reports run 1.2: done
     4.128  worker 2   hears that run 1.2 is settled
     8.300  why        ben is done, with 0 messages, 1 attempts
