"""How an object is made, whatever it is: what a select may see, running it, judging it."""
