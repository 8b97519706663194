module shapes
  implicit none
  type :: polygon
    real(8), allocatable :: x(:), y(:)
  end type polygon
contains
  ! Corners as text, "x y" a line, through a file that is deleted again.
  subroutine from_text(text, shape, status)
    character(len=*), intent(in) :: text
    type(polygon), intent(out) :: shape
    integer, intent(out) :: status
    real(8) :: x, y
    integer :: unit
    shape%x = [real(8) ::]
    shape%y = [real(8) ::]
    open (newunit=unit, status='scratch', action='readwrite', form='formatted')
    write (unit, '(A)') text
    rewind (unit)
    do
      read (unit, *, iostat=status) x, y
      if (status /= 0) exit
      shape%x = [shape%x, x]
      shape%y = [shape%y, y]
    end do
    close (unit)
    if (is_iostat_end(status)) status = 0
  end subroutine from_text
end module shapes

subroutine area(text, value, status)
  use shapes
  implicit none
  character(len=*), intent(in) :: text
  real(8), intent(out) :: value
  integer, intent(out) :: status
  type(polygon) :: shape
  real(8), external :: shoelace
  value = 0
  call from_text(text, shape, status)
  if (status == 0) value = shoelace(shape%x, shape%y, size(shape%x))
end subroutine area
