module frontend

go 1.25

require github.com/moby/buildkit v0.29.0
