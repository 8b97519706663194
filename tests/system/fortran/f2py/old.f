C     Fixed form, as libraries of the seventies have it.
      DOUBLE PRECISION FUNCTION OLDSUM(X, N)
      INTEGER N, I
      DOUBLE PRECISION X(*), S
      S = 0.0D0
      DO 10 I = 1, N
         S = S + X(I)
   10 CONTINUE
      OLDSUM = S
      RETURN
      END
