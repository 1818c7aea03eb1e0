# Another process has the lock and sleeps.
def locked(path)
  File.open(path, 'w') do |f|
    f.flock(File::LOCK_EX)
    yield
  end
end

pid = fork { locked('state.lock') { File.write('taken', ''); sleep 600 } }
sleep 0.05 until File.exist?('taken')
locked('state.lock') { puts 'mine' }
Process.wait(pid)
