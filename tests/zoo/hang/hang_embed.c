/* hang_embed.c - a C program that has Python inside, which hangs. */
#include <Python.h>

static PyObject *call_back(PyObject *self, PyObject *args)
{
	(void)self;
	(void)args;
	PyRun_SimpleString("import time\ntime.sleep(60)\n"); /* AT embedded */
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = { { "call_back", call_back, METH_NOARGS, NULL }, { NULL, NULL, 0, NULL } };
static struct PyModuleDef module = { PyModuleDef_HEAD_INIT, "zoo", NULL, -1, methods, NULL, NULL, NULL, NULL };

static PyObject *module_make(void)
{
	return PyModule_Create(&module);
}

int main(void)
{
	PyImport_AppendInittab("zoo", module_make);
	Py_Initialize();
	return PyRun_SimpleString("import zoo\ndef inside():\n    zoo.call_back()\ninside()\n");
}
