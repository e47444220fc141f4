//go:build !linux

package soak

import "errors"

func mountSmall(string) error { return errors.New("only done on Linux") }

func unmountSmall(string) error { return nil }
