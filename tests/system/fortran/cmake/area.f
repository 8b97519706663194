      DOUBLE PRECISION FUNCTION SHOELACE(X, Y, N)
      INTEGER N, I, J
      DOUBLE PRECISION X(*), Y(*), S
      S = 0.0D0
      DO 10 I = 1, N
         J = MOD(I, N) + 1
         S = S + X(I) * Y(J) - X(J) * Y(I)
   10 CONTINUE
      SHOELACE = ABS(S) / 2
      RETURN
      END
