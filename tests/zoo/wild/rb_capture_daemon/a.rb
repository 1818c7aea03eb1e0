# capture3 reads to the end of the output, which the service has inherited.
require 'open3'

def restart
  Open3.capture3('sleep 500 & echo restarted')
end

restart
