# Commands go to a worker without a flush, the answer never comes.
proc ask {chan word} {
	puts $chan $word
	return [gets $chan]
}
set chan [open "|sh worker.sh" r+]
puts [ask $chan status]
