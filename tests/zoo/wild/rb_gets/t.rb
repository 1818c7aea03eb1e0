def confirm(path)
  puts "Overwrite #{path}? (enter \"h\" for help) [Ynaqdhm]"
  $stdin.gets
end
confirm('config/routes.rb')
