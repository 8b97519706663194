! The sum of the first squares by as many threads as asked for, and how many there really were.
subroutine fortran_squares(count, threads, total, seen) bind(c)
  use, intrinsic :: iso_c_binding
  use omp_lib
  implicit none
  integer(c_long), value :: count, threads
  integer(c_long), intent(out) :: total, seen
  integer(c_long) :: n, marks
  integer(omp_lock_kind) :: lock
  total = 0
  seen = 0
  marks = 0
  call omp_init_lock(lock)
  !$omp parallel num_threads(threads) reduction(+: total)
  !$omp single
  seen = omp_get_num_threads()
  !$omp end single
  !$omp do schedule(dynamic, 16)
  do n = 0, count - 1
    total = total + n * n
  end do
  !$omp end do
  call omp_set_lock(lock)
  marks = marks + 1
  call omp_unset_lock(lock)
  !$omp end parallel
  call omp_destroy_lock(lock)
  if (marks /= seen) seen = -marks
end subroutine fortran_squares
