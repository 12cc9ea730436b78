# Loaded by each of the two sidekiq processes. STATS is the file this process reports to:
# "count time-of-newest" every 10 ms, and the latencies at the end.
require 'sidekiq'
REDIS = { url: "redis://127.0.0.1:#{ENV['PORT']}/0" }
Sidekiq.configure_server { |c| c.redis = REDIS }
Sidekiq.configure_client { |c| c.redis = REDIS }
Sidekiq.logger.level = Logger::ERROR

def now = Process.clock_gettime(Process::CLOCK_MONOTONIC) * 1e3

class M
  include Sidekiq::Worker
  LAT = Queue.new
  @last = 0
  class << self; attr_accessor :last; end
  def perform(job)
    t = now
    LAT << t - job['t']
    M.last = t
  end
end

if ENV['STATS']
  Thread.new do
    file = File.open(ENV['STATS'], 'w')
    file.sync = true
    loop do
      file.pwrite(format("%012d %020.4f\n", M::LAT.size, M.last), 0)
      sleep 0.01
    end
  end
  at_exit { File.write(ENV['STATS'] + '.lat', Array.new(M::LAT.size) { M::LAT.pop }.join("\n")) }
end
