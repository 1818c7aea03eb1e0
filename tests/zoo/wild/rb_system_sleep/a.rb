def provision
  system('sleep', '500')
end

provision
