package tcp_test

func descriptorsChild() {}
