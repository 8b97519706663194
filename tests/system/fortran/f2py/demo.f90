module numbers
  implicit none
  integer, parameter :: wide = selected_real_kind(30)  ! the quadruple precision of long double
contains
  ! Solves a x = b by elimination with the largest pivot; b becomes x. status is 0, or the column without a pivot.
  subroutine solve(a, b, n, status)
    integer, intent(in) :: n
    real(8), intent(inout) :: a(n, n), b(n)
    integer, intent(out) :: status
    real(8) :: row(n), one, factor
    integer :: i, j, pivot
    status = 0
    do j = 1, n
      pivot = j - 1 + maxloc(abs(a(j:n, j)), dim=1)
      if (a(pivot, j) == 0) then
        status = j
        return
      end if
      row = a(j, :); a(j, :) = a(pivot, :); a(pivot, :) = row
      one = b(j); b(j) = b(pivot); b(pivot) = one
      do i = j + 1, n
        factor = a(i, j) / a(j, j)
        a(i, j:n) = a(i, j:n) - factor * a(j, j:n)
        b(i) = b(i) - factor * b(j)
      end do
    end do
    do j = n, 1, -1
      b(j) = (b(j) - dot_product(a(j, j + 1:n), b(j + 1:n))) / a(j, j)
    end do
  end subroutine solve

  ! As many digits of a root as quadruple precision has, written by Fortran's own formatted output.
  subroutine digits(number, text)
    integer, intent(in) :: number
    character(len=40), intent(out) :: text
    write (text, '(F40.32)') sqrt(real(number, wide))
  end subroutine digits

  function product_of(a, b, n) result(c)
    integer, intent(in) :: n
    complex(8), intent(in) :: a(n, n), b(n, n)
    complex(8) :: c(n, n)
    c = matmul(a, b)
  end function product_of
end module numbers

subroutine through_old(x, n, total)
  implicit none
  integer, intent(in) :: n
  real(8), intent(in) :: x(n)
  real(8), intent(out) :: total
  real(8), external :: oldsum
  total = oldsum(x, n)
end subroutine through_old
