/* SPDX-License-Identifier: Apache-2.0 */
/* gen-python-offsets.c - prints rows of profile/lang/python_offsets.def for the headers it is compiled against.
 *
 *   for v in 3.8 … 3.14: cc -DPy_BUILD_CORE -I$INC -I$INC/internal contrib/gen-python-offsets.c -o gen && ./gen
 *   and for 3.13, 3.14 once more with -DPy_GIL_DISABLED: builds without a lock lay every object out in another way.
 *
 * CPython 3.13 and later publish part of their offsets in the process. For them a second row says at which word of that
 * table each stands: it has grown in the middle with 3.14. */
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
#include <internal/pycore_dict.h>
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_interpframe_structs.h>
#include <internal/pycore_debug_offsets.h>
#endif

#if PY_VERSION_HEX < 0x030b0000
typedef PyFrameObject frame_type;
#else
typedef struct _PyInterpreterFrame frame_type;
#endif

static unsigned column;

static void put(const char *name, size_t value)
{
	char text[80];
	int n = snprintf(text, sizeof(text), ".%s = %zu,", name, value);

	if (column + (unsigned)n + 1 > 115) {
		printf("\n      ");
		column = 6;
	}
	printf(" %s", text);
	column += (unsigned)n + 1;
}

#define AT(name, type, member) put(name, offsetof(type, member))

static void put_states(void)
{
	AT("runtime_interpreters", _PyRuntimeState, interpreters.head);
#if PY_VERSION_HEX < 0x030c0000
	AT("runtime_gil", _PyRuntimeState, ceval.gil);
	AT("interp_modules", PyInterpreterState, modules);
#else
	AT("interp_gil", PyInterpreterState, ceval.gil);
	AT("interp_modules", PyInterpreterState, imports.modules);
#endif
	AT("gil_holder", struct _gil_runtime_state, last_holder);
	AT("gil_locked", struct _gil_runtime_state, locked);
	AT("interp_next", PyInterpreterState, next);
	AT("interp_id", PyInterpreterState, id);
#if PY_VERSION_HEX < 0x030b0000
	AT("interp_threads", PyInterpreterState, tstate_head);
	AT("thread_frame", PyThreadState, frame);
#else
	AT("interp_threads", PyInterpreterState, threads.head);
	AT("thread_native_id", PyThreadState, native_thread_id);
#if PY_VERSION_HEX < 0x030d0000
	AT("thread_frame", PyThreadState, cframe);
	AT("cframe_current", _PyCFrame, current_frame);
#else
	AT("thread_frame", PyThreadState, current_frame);
#endif
#endif
	AT("thread_next", PyThreadState, next);
	AT("thread_id", PyThreadState, thread_id);
#if PY_VERSION_HEX >= 0x030e0000
	AT("thread_tasks", _PyThreadStateImpl, asyncio_tasks_head);
	AT("interp_tasks", PyInterpreterState, asyncio_tasks_head);
#endif
}

static void put_frame(void)
{
#if PY_VERSION_HEX < 0x030b0000
	AT("frame_code", frame_type, f_code);
	AT("frame_back", frame_type, f_back);
	AT("frame_instr", frame_type, f_lasti);
	AT("frame_locals", frame_type, f_localsplus);
	AT("frame_values", frame_type, f_valuestack);
	AT("frame_blocks", frame_type, f_blockstack);
	AT("frame_block_count", frame_type, f_iblock);
#if PY_VERSION_HEX < 0x030a0000
	AT("frame_top", frame_type, f_stacktop);
#else
	AT("frame_top", frame_type, f_stackdepth);
#endif
#else
	AT("frame_back", frame_type, previous);
	AT("frame_locals", frame_type, localsplus);
#if PY_VERSION_HEX < 0x030c0000
	AT("frame_entry", frame_type, is_entry);
#else
	AT("frame_entry", frame_type, owner);
#endif
#if PY_VERSION_HEX < 0x030d0000
	AT("frame_code", frame_type, f_code);
	AT("frame_instr", frame_type, prev_instr);
#else
	AT("frame_code", frame_type, f_executable);
	AT("frame_instr", frame_type, instr_ptr);
#endif
#if PY_VERSION_HEX < 0x030e0000
	AT("frame_top", frame_type, stacktop);
#else
	AT("frame_top", frame_type, stackpointer);
#ifdef Py_GIL_DISABLED
	AT("frame_tlbc", frame_type, tlbc_index);
	AT("code_tlbc", PyCodeObject, co_tlbc);
#endif
#endif
#endif
}

static void put_code(void)
{
	AT("code_filename", PyCodeObject, co_filename);
	AT("code_firstlineno", PyCodeObject, co_firstlineno);
#if PY_VERSION_HEX < 0x030b0000
	AT("code_name", PyCodeObject, co_name);
	AT("code_locals", PyCodeObject, co_nlocals);
#if PY_VERSION_HEX < 0x030a0000
	AT("code_linetable", PyCodeObject, co_lnotab);
#else
	AT("code_linetable", PyCodeObject, co_linetable);
#endif
#else
	AT("code_name", PyCodeObject, co_qualname);
	AT("code_locals", PyCodeObject, co_nlocalsplus);
	AT("code_linetable", PyCodeObject, co_linetable);
	AT("code_instructions", PyCodeObject, co_code_adaptive);
	AT("code_exceptions", PyCodeObject, co_exceptiontable);
#endif
}

static void put_objects(void)
{
	AT("object_type", PyObject, ob_type);
	put("object_size", sizeof(PyObject));
	AT("var_count", PyVarObject, ob_size);
	put("var_size", sizeof(PyVarObject));
	put("ascii_size", sizeof(PyASCIIObject));
	put("compact_size", sizeof(PyCompactUnicodeObject));
	AT("text_length", PyASCIIObject, length);
	AT("text_state", PyASCIIObject, state);
	AT("bytes_data", PyBytesObject, ob_sval);
	AT("type_name", PyTypeObject, tp_name);
	AT("type_basicsize", PyTypeObject, tp_basicsize);
	AT("type_flags", PyTypeObject, tp_flags);
	AT("type_dictoffset", PyTypeObject, tp_dictoffset);
	AT("type_cached_keys", PyHeapTypeObject, ht_cached_keys);
	AT("dict_keys", PyDictObject, ma_keys);
	AT("dict_values", PyDictObject, ma_values);
	AT("tuple_items", PyTupleObject, ob_item);
	AT("list_items", PyListObject, ob_item);
	AT("set_table", PySetObject, table);
	AT("set_mask", PySetObject, mask);
	AT("method_self", PyMethodObject, im_self);
	AT("builtin_self", PyCFunctionObject, m_self);
#if PY_VERSION_HEX < 0x030c0000
	AT("long_digits", struct _longobject, ob_digit);
#else
	AT("long_digits", struct _longobject, long_value.ob_digit);
#endif
#if PY_VERSION_HEX < 0x030b0000
	AT("gen_frame", PyGenObject, gi_frame);
#else
	AT("gen_frame", PyGenObject, gi_iframe);
	AT("gen_state", PyGenObject, gi_frame_state);
#endif
}

#if PY_VERSION_HEX >= 0x030d0000
#define WORD(name, member) put(name, offsetof(_Py_DebugOffsets, member) / 8)

static void put_words(void)
{
	column = (unsigned)printf("PYTHON_WORDS(.minor = %d,", PY_MINOR_VERSION);
	WORD("count", gc);
	WORD("runtime_interpreters", runtime_state.interpreters_head);
	WORD("interp_next", interpreter_state.next);
	WORD("interp_id", interpreter_state.id);
	WORD("interp_threads", interpreter_state.threads_head);
	WORD("interp_modules", interpreter_state.imports_modules);
	WORD("interp_gil", interpreter_state.ceval_gil);
	WORD("gil", interpreter_state.gil_runtime_state);
	WORD("gil_locked", interpreter_state.gil_runtime_state_locked);
	WORD("gil_holder", interpreter_state.gil_runtime_state_holder);
	WORD("thread_next", thread_state.next);
	WORD("thread_frame", thread_state.current_frame);
	WORD("thread_id", thread_state.thread_id);
	WORD("thread_native_id", thread_state.native_thread_id);
	WORD("frame_back", interpreter_frame.previous);
	WORD("frame_code", interpreter_frame.executable);
	WORD("frame_instr", interpreter_frame.instr_ptr);
	WORD("frame_locals", interpreter_frame.localsplus);
	WORD("frame_entry", interpreter_frame.owner);
	WORD("code_filename", code_object.filename);
	WORD("code_name", code_object.qualname);
	WORD("code_linetable", code_object.linetable);
	WORD("code_firstlineno", code_object.firstlineno);
	WORD("code_instructions", code_object.co_code_adaptive);
	WORD("object_type", pyobject.ob_type);
	WORD("type_name", type_object.tp_name);
	WORD("type_flags", type_object.tp_flags);
	printf(")\n");
}
#endif

int main(void)
{
	column = (unsigned)printf("PYTHON(.minor = %d,", PY_MINOR_VERSION);
#ifdef Py_GIL_DISABLED
	put("free_threaded", 1);
#endif
	put_states();
	put_frame();
	put_code();
	put_objects();
	printf(")\n");
#if PY_VERSION_HEX >= 0x030d0000 && !defined(Py_GIL_DISABLED)
	put_words();
#endif
	return 0;
}
