module wordstat

go 1.24
