# The model is down for 12 s, and people go on writing. After three failures of more than one thread only one run at a
# time asks, each of another thread; that costs no attempt. What comes meanwhile merges: once the model is back each
# thread costs one call, and who has waited longest goes first.
set bolt quiet 1s
set slots 4
start worker 1
wait 500ms
provider down for 12s
say ida "Oi"
wait 100ms
say jan "Hello"
wait 100ms
say kim "Hi"
wait 3s
why ida
say lia "Bom dia"
wait 2s
say ida "Anybody?"
say kim "Hm"
wait 2s
say ida "Well"
wait 3s
why jan
wait 14s
why jan
----
     0.000  broker     starts, epoch 1
     0.100  worker 1   starts, with 4 slots
     0.101  worker 1   says hello, with 4 slots, holding 0
     0.101  worker 1   is welcome
     0.600  provider   is down for 12 s
     0.600  people     write in ida: "Oi"
     0.600  people     hear of "Oi": accepted
     0.700  people     write in jan: "Hello"
     0.700  people     hear of "Hello": accepted
     0.800  people     write in kim: "Hi"
     0.800  people     hear of "Hi": accepted
     1.600  worker 1   gets run 1.1 of ida: "Oi"
     1.601  handler    is asked in run 1.1 of ida: "Oi"
     1.621  worker 1   reports run 1.1: failed, http_500
     1.622  worker 1   hears that run 1.1 is settled
     1.700  worker 1   gets run 1.2 of jan: "Hello"
     1.701  handler    is asked in run 1.2 of jan: "Hello"
     1.721  worker 1   reports run 1.2: failed, http_500
     1.721  worker 1   hears that run 1.2 is settled
     1.800  worker 1   gets run 1.3 of kim: "Hi"
     1.801  handler    is asked in run 1.3 of kim: "Hi"
     1.821  worker 1   reports run 1.3: failed, http_500
     1.821  worker 1   hears that run 1.3 is settled
     2.821  worker 1   gets run 1.4 of kim: "Hi"
     2.822  handler    is asked in run 1.4 of kim: "Hi"
     2.842  worker 1   reports run 1.4: failed, http_500
     2.842  worker 1   hears that run 1.4 is settled
     3.800  why        ida is ready, with 1 messages, 1 attempts, after http_500, its provider open
     3.800  people     write in lia: "Bom dia"
     3.800  people     hear of "Bom dia": accepted
     4.800  worker 1   gets run 1.5 of lia: "Bom dia"
     4.801  handler    is asked in run 1.5 of lia: "Bom dia"
     4.821  worker 1   reports run 1.5: failed, http_500
     4.821  worker 1   hears that run 1.5 is settled
     5.800  people     write in ida: "Anybody?"
     5.800  people     write in kim: "Hm"
     5.800  people     hear of "Anybody?": accepted
     5.801  people     hear of "Hm": accepted
     6.821  worker 1   gets run 1.6 of ida: "Oi", "Anybody?"
     6.822  handler    is asked in run 1.6 of ida: "Oi|Anybody?"
     6.842  worker 1   reports run 1.6: failed, http_500
     6.842  worker 1   hears that run 1.6 is settled
     7.800  people     write in ida: "Well"
     7.800  people     hear of "Well": accepted
    10.800  why        jan is ready, with 1 messages, 1 attempts, after http_500, its provider open
    10.842  worker 1   gets run 1.7 of jan: "Hello"
    10.843  handler    is asked in run 1.7 of jan: "Hello"
    10.863  worker 1   reports run 1.7: failed, http_500
    10.864  worker 1   hears that run 1.7 is settled
    18.863  worker 1   gets run 1.8 of kim: "Hi", "Hm"
    18.864  handler    is asked in run 1.8 of kim: "Hi|Hm"
    18.884  worker 1   hands the answer of run 1.8 over
    18.885  worker 1   hears go for run 1.8
    18.885  worker 1   gets run 1.9 of ida: "Oi", "Anybody?", "Well"
    18.885  handler    is asked in run 1.9 of ida: "Oi|Anybody?|Well"
    18.886  channel    shows in kim: "Re: Hi|Hm"
    18.886  worker 1   reports run 1.8: done
    18.887  worker 1   hears that run 1.8 is settled
    18.905  worker 1   hands the answer of run 1.9 over
    18.906  worker 1   hears go for run 1.9
    18.907  channel    shows in ida: "Re: Oi|Anybody?|Well"
    18.908  worker 1   reports run 1.9: done
    18.908  worker 1   hears that run 1.9 is settled
    19.384  worker 1   gets run 1.10 of jan: "Hello"
    19.385  handler    is asked in run 1.10 of jan: "Hello"
    19.405  worker 1   hands the answer of run 1.10 over
    19.406  worker 1   hears go for run 1.10
    19.407  channel    shows in jan: "Re: Hello"
    19.407  worker 1   reports run 1.10: done
    19.408  worker 1   hears that run 1.10 is settled
    19.839  worker 1   gets run 1.11 of lia: "Bom dia"
    19.840  handler    is asked in run 1.11 of lia: "Bom dia"
    19.860  worker 1   hands the answer of run 1.11 over
    19.860  worker 1   hears go for run 1.11
    19.861  channel    shows in lia: "Re: Bom dia"
    19.862  worker 1   reports run 1.11: done
    19.863  worker 1   hears that run 1.11 is settled
    24.800  why        jan is done, with 0 messages, 2 attempts
