# sidekiq.rb WORKLOAD PORT N FOLDER: W1, W2, W3. Two sidekiq processes of ten threads, which load sidekiq_worker.rb.
require 'json'
workload, port, n, folder = ARGV
n = Integer(n)
ENV['PORT'] = port
require_relative 'sidekiq_worker'
PAD = 'x' * 180

def body(seq) = { 'seq' => seq, 't' => now, 'conversation' => format('c%06d', seq), 'text' => PAD }

def fill(n)
  (0...n).each_slice(1000) { |slice| Sidekiq::Client.push_bulk('class' => M, 'args' => slice.map { |i| [body(i)] }) }
end

def paced(n, per_s)
  t0 = now
  n.times do |i|
    wait = t0 + i * 1000.0 / per_s - now
    sleep(wait / 1000) if wait > 0
    M.perform_async(body(i))
  end
end

def out(n, seconds, lat)
  r = { n: n, seconds: seconds.round(4), per_s: (n / seconds).round }
  if lat
    lat.sort!
    at = ->(p) { lat[[(p * lat.size).floor, lat.size - 1].min].round(4) }
    r.update(p50_ms: at[0.5], p99_ms: at[0.99], p999_ms: at[0.999], max_ms: at[1])
  end
  puts JSON.generate(r)
end

Sidekiq.redis { |c| c.ping }
stats = workload == 'W1' ? [] : [0, 1].map { |i| File.join(folder, "stats#{i}") }
worker = File.join(__dir__, 'sidekiq_worker.rb')
kids = stats.map do |file|
  spawn({ 'STATS' => file, 'PORT' => port }, 'sidekiq', '-r', worker, '-c', '10', '-q', 'default',
        out: File::NULL, err: File::NULL)
end
at_exit { kids.each { |k| Process.kill('KILL', k) rescue nil } }
sleep 0.1 until stats.all? { |s| File.exist?(s) }
sleep 1 unless stats.empty?
t = now
workload == 'W3' ? paced(n, 500) : fill(n)
if workload == 'W1'
  out(n, (now - t) / 1e3, nil)
  exit
end
last = 0
limit = now + 60_000
loop do
  seen = stats.map { |s| File.read(s).split.map(&:to_f) }
  last = seen.map { |x| x[1] || 0 }.max
  break if seen.sum { |x| x[0] || 0 } >= n
  abort 'no more acks come' if now > limit
  sleep 0.02
end
kids.each { |k| Process.kill('TERM', k) }
kids.each { |k| Process.wait(k) }
lat = stats.flat_map { |s| File.read(s + '.lat').split.map(&:to_f) }
out(n, (last - t) / 1e3, workload == 'W3' ? lat : nil)
