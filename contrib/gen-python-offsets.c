/* gen-python-offsets.c - prints one row of profile/native/python_offsets.def for the headers it is compiled against.
 *
 *   for v in 3.8 … 3.13: cc -DPy_BUILD_CORE -I$INC -I$INC/internal contrib/gen-python-offsets.c -o gen && ./gen
 *
 * CPython 3.13 and later publish their offsets in the process; for them only the place of each number within that
 * table is taken from here (it has grown in the middle with 3.14). */
#include <Python.h>
#include <stddef.h>
#include <stdio.h>

#include <frameobject.h>
#include <internal/pycore_pystate.h>
#if PY_VERSION_HEX >= 0x03090000
#include <internal/pycore_interp.h>
#include <internal/pycore_runtime.h>
#endif
#if PY_VERSION_HEX >= 0x030b0000
#include <internal/pycore_frame.h>
#endif

#define AT(type, member) (unsigned)offsetof(type, member)

int main(void)
{
	printf("PYTHON(%d, ", PY_MINOR_VERSION);
	printf("%u, ", AT(_PyRuntimeState, interpreters.head));
#if PY_VERSION_HEX < 0x030c0000
	printf("%u, 0, ", AT(_PyRuntimeState, ceval.gil));
#else
	printf("0, %u, ", AT(PyInterpreterState, ceval.gil));
#endif
	printf("%u, %u, ", AT(struct _gil_runtime_state, last_holder), AT(struct _gil_runtime_state, locked));
#if PY_VERSION_HEX < 0x030b0000
	printf("%u, %u, ", AT(PyInterpreterState, next), AT(PyInterpreterState, tstate_head));
	printf("%u, %u, 0, %u, 0, ", AT(PyThreadState, next), AT(PyThreadState, frame), AT(PyThreadState, thread_id));
	printf("%u, %u, %u, 0, ", AT(PyFrameObject, f_code), AT(PyFrameObject, f_back), AT(PyFrameObject, f_lasti));
	printf("%u, ", AT(PyFrameObject, f_localsplus));
#else
	printf("%u, %u, ", AT(PyInterpreterState, next), AT(PyInterpreterState, threads.head));
	printf("%u, ", AT(PyThreadState, next));
#if PY_VERSION_HEX < 0x030d0000
	printf("%u, %u, ", AT(PyThreadState, cframe), AT(_PyCFrame, current_frame));
#else
	printf("%u, 0, ", AT(PyThreadState, current_frame));
#endif
	printf("%u, %u, ", AT(PyThreadState, thread_id), AT(PyThreadState, native_thread_id));
#if PY_VERSION_HEX < 0x030c0000
	printf("%u, %u, %u, %u, ", AT(_PyInterpreterFrame, f_code), AT(_PyInterpreterFrame, previous),
	       AT(_PyInterpreterFrame, prev_instr), AT(_PyInterpreterFrame, is_entry));
#elif PY_VERSION_HEX < 0x030d0000
	printf("%u, %u, %u, %u, ", AT(_PyInterpreterFrame, f_code), AT(_PyInterpreterFrame, previous),
	       AT(_PyInterpreterFrame, prev_instr), AT(_PyInterpreterFrame, owner));
#else
	printf("%u, %u, %u, %u, ", AT(_PyInterpreterFrame, f_executable), AT(_PyInterpreterFrame, previous),
	       AT(_PyInterpreterFrame, instr_ptr), AT(_PyInterpreterFrame, owner));
#endif
	printf("%u, ", AT(_PyInterpreterFrame, localsplus));
#endif
#if PY_VERSION_HEX < 0x030b0000
	printf("%u, %u, %u, ", AT(PyCodeObject, co_filename), AT(PyCodeObject, co_name), AT(PyCodeObject, co_firstlineno));
#if PY_VERSION_HEX < 0x030a0000
	printf("%u, 0, ", AT(PyCodeObject, co_lnotab));
#else
	printf("%u, 0, ", AT(PyCodeObject, co_linetable));
#endif
#else
	printf("%u, %u, %u, ", AT(PyCodeObject, co_filename), AT(PyCodeObject, co_qualname),
	       AT(PyCodeObject, co_firstlineno));
	printf("%u, %u, ", AT(PyCodeObject, co_linetable), AT(PyCodeObject, co_code_adaptive));
#endif
	printf("%u, %u)\n", (unsigned)sizeof(PyASCIIObject), (unsigned)sizeof(PyCompactUnicodeObject));
	return 0;
}
