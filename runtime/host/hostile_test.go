package host

func hostileChild(string) int { return 1 }
func doomedParent(string) int { return 1 }
