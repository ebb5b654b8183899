"""What a pickle may name without harm: the forms in which Python, torch and numpy store numbers, text and arrays.

Each is harmless when called with any arguments that a pickle can make of the others, and when given a state.
"""

from __future__ import annotations

from typing import Final

_KINDS = (
    *("Float", "Double", "Half", "BFloat16", "Bool", "Byte", "Char", "Short", "Int", "Long"),
    *("ComplexFloat", "ComplexDouble", "ComplexHalf", "QInt8", "QUInt8", "QInt32", "QUInt4x2", "QUInt2x4"),
)  # of torch's storages and tensors
_TABLE = f"""
builtins,__builtin__: bool bytearray bytes complex dict float frozenset int list long object range set slice str tuple
builtins,__builtin__: unicode xrange Ellipsis NotImplemented
copyreg,copy_reg: _reconstructor __newobj__
_codecs: encode
collections: OrderedDict defaultdict Counter deque
datetime: date datetime time timedelta timezone
decimal: Decimal
fractions: Fraction
argparse: Namespace
types: SimpleNamespace
typing: Any
pathlib,pathlib._local: Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath
torch: Size device Tensor dtype layout float float16 float32 float64 double half bfloat16 bool short int long complex32
torch: complex64 complex128 cfloat cdouble chalf quint8 qint8 qint32 quint4x2 quint2x4 float8_e4m3fn float8_e5m2
torch: float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2 bits8 bits16 bits1x8 bits2x4 bits4x2
torch: {" ".join(f"int{bits} uint{bits}" for bits in (1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64))}
torch: {" ".join(f"per_{what}" for what in ("tensor_affine", "tensor_symmetric", "channel_affine", "channel_symmetric"))}
torch: per_channel_affine_float_qparams
torch,torch.cuda: {" ".join(f"{kind}Storage {kind}Tensor" for kind in _KINDS)}
torch.storage: UntypedStorage TypedStorage _UntypedStorage _TypedStorage _load_from_bytes
torch.nn.parameter: Parameter Buffer UninitializedParameter UninitializedBuffer
torch.serialization: _get_layout
torch._tensor: _rebuild_from_type_v2 Tensor
torch._utils: _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state
torch._utils: _rebuild_qtensor _rebuild_sparse_tensor _rebuild_sparse_csr_tensor _rebuild_nested_tensor
torch._utils: _rebuild_meta_tensor_no_storage _rebuild_wrapper_subclass _rebuild_xla_tensor
torch._utils: _rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor
lightning.fabric.utilities.data,lightning_fabric.utilities.data: AttributeDict
lightning.pytorch.utilities.parsing,pytorch_lightning.utilities.parsing: AttributeDict
numpy: ndarray dtype matrix recarray record bool bool_ bool8 int8 int16 int32 int64 int_ uint uint8 uint16 uint32 uint64
numpy: intc uintc intp uintp byte ubyte short ushort long ulong longlong ulonglong half single double longdouble float_
numpy: float16 float32 float64 float96 float128 csingle cdouble clongdouble complex_ complex64 complex128 complex192
numpy: complex256 str_ bytes_ string_ unicode_ void object_ datetime64 timedelta64
numpy.dtypes: BoolDType Int8DType Int16DType Int32DType Int64DType UInt8DType UInt16DType UInt32DType UInt64DType
numpy.dtypes: Float16DType Float32DType Float64DType LongDoubleDType Complex64DType Complex128DType CLongDoubleDType
numpy.dtypes: StrDType BytesDType VoidDType ObjectDType DateTime64DType TimeDelta64DType LongLongDType ULongLongDType
numpy.rec,numpy.core.records,numpy._core.records: recarray record
numpy.ma,numpy.ma.core: MaskedArray MaskedConstant _mareconstruct
numpy.matrixlib.defmatrix: matrix
numpy.core.multiarray,numpy._core.multiarray: _reconstruct scalar ndarray dtype
numpy.core.numeric,numpy._core.numeric: _frombuffer
numpy.random._pickle: __randomstate_ctor __generator_ctor __bit_generator_ctor
numpy.random,numpy.random.mtrand: RandomState
numpy.random,numpy.random._generator: Generator
numpy.random._mt19937: MT19937
numpy.random._pcg64: PCG64 PCG64DXSM
numpy.random._philox: Philox
numpy.random._sfc64: SFC64
numpy.random.bit_generator,numpy.random._bit_generator: SeedSequence __pyx_unpickle_SeedSequence
omegaconf.dictconfig: DictConfig
omegaconf.listconfig: ListConfig
omegaconf.base: Metadata ContainerMetadata
omegaconf.nodes: AnyNode StringNode IntegerNode FloatNode BooleanNode BytesNode PathNode
"""
HARMLESS: Final = frozenset(
    (module, name)
    for modules, _, names in (line.partition(": ") for line in _TABLE.strip().splitlines())
    for module in modules.split(",")
    for name in names.split()
)
"""(module, name) of each; the module comes exactly as a pickle writes it, in protocol 2 by its name in Python 2."""
