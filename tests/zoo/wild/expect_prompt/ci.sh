expect login.exp
