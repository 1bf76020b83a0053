using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Understudy.Models;
using static Understudy.Tests.Models.SafeTensorsBytes;

namespace Understudy.Tests.Models;

public sealed class SafeTensorsFileTests : IDisposable
{
    private const string Again = " The file is damaged or was cut short; download or save it again.";
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Reads_entries_in_the_order_of_their_data_with_metadata_scalars_and_empty_tensors()
    {
        using var file = Open(File(
            "{" + Entry("late", "I16", "[2,2]", 12, 20) + ",\"__metadata__\":{\"format\":\"pt\",\"é\":\"ü\"}," + Entry("scalar", "F32", "[]", 0, 4) + ","
            + Entry("empty", "F64", "[3,0]", 4, 4) + "," + Entry("codes", "F4", "[2,8]", 4, 12) + "}  \n", 20));

        Assert.Equal(["scalar", "empty", "codes", "late"], file.Entries.Select(entry => entry.Name));
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal("ü", file.Metadata["é"]);
        Assert.True(file.TryGet("late", out var late));
        Assert.Equal((SafeTensorsDType.I16, 8L, 4L), (late.DType, late.ByteCount, late.ElementCount));
        Assert.Equal([2L, 2L], late.Shape);
        Assert.Equal([12, 13, 14, 15, 16, 17, 18, 19], file.BytesOf(late).ToArray());
        Assert.Equal(1, file.Entries[0].ElementCount);
        Assert.Equal(0, file.Entries[1].ElementCount);
        Assert.False(file.TryGet("scala", out _));
        Assert.Equal(12, Marshal.ReadByte(file.PointerTo(late)));
    }

    [Fact]
    public void Reads_a_file_without_tensors()
    {
        using var file = Open(File("{}      ", 0));
        Assert.Empty(file.Entries);
    }

    [Fact]
    public void Refuses_pointers_after_dispose_and_entries_of_other_files()
    {
        var bytes = File("{" + Entry("a", "U8", "[4]", 0, 4) + "}", 4);
        var file = Open(bytes);
        using var other = Open(bytes, "other.safetensors");
        var error = Assert.Throws<ArgumentException>(() => file.PointerTo(other.Entries[0]));
        Assert.Equal($"Tensor 'a' does not come from {file.Path}. Take the entry from this file's Entries. (Parameter 'entry')", error.Message);
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.PointerTo(file.Entries[0]));
        Assert.Throws<ObjectDisposedException>(() => file.BytesOf(file.Entries[0]).Length);
    }

    [Fact]
    public void A_referenced_view_keeps_the_bytes_after_dispose()
    {
        var file = Open(File("{" + Entry("a", "U8", "[4]", 0, 4) + "}", 4));
        var address = file.PointerTo(file.Entries[0]);
        var view = file.View;
        var added = false;
        view.DangerousAddRef(ref added);
        file.Dispose();
        Assert.Equal(3, Marshal.ReadByte(address, 3));
        view.DangerousRelease();
    }

    [Fact]
    public void Knows_which_tensors_a_file_with_an_unpadded_header_leaves_unaligned()
    {
        using var padded = Open(File("{" + Entry("a", "F32", "[1]", 0, 4) + "}" + new string(' ', 8 - (("{" + Entry("a", "F32", "[1]", 0, 4) + "}").Length % 8)), 4));
        Assert.True(padded.IsAligned(padded.Entries[0]));
        using var unpadded = Open(File("{" + Entry("ab", "F32", "[1]", 0, 4) + "}" + new string(' ', 9 - (("{" + Entry("ab", "F32", "[1]", 0, 4) + "}").Length % 8)), 4), "b.safetensors");
        Assert.False(unpadded.IsAligned(unpadded.Entries[0]));
    }

    public static TheoryData<string, int, string> BadHeaders { get; } = new()
    {
        { "[]", 0, ": expected the header to begin with '{', found the byte 0x5B. Is this a safetensors file?" },
        { "", 0, ": expected the header to begin with '{', found an empty header. Is this a safetensors file?" },
        { " {}", 0, ": expected the header to begin with '{', found the byte 0x20. Is this a safetensors file?" },
        { "{\"a\":1}", 0, ": tensor 'a': expected an object with 'dtype', 'shape' and 'data_offsets', found a number." },
        { "{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, ": tensor 'a': the key 'dtype' is missing." + Again },
        { "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, ": tensor 'a': the key 'shape' is missing." + Again },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, ": tensor 'a': the key 'data_offsets' is missing." + Again },
        { "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, ": tensor 'a': the key 'dtype' appears twice." },
        { "{\"a\":{\"dtype\":8,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, ": tensor 'a': expected 'dtype' to be a text, found a number." },
        { "{" + Entry("a", "float32", "[1]", 0, 4) + "}", 4, ": tensor 'a': unknown dtype 'float32'; known are BOOL, F4, F6_E2M3, F6_E3M2, U8, I8, F8_E5M2, F8_E4M3, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ, I16, U16, F16, BF16, I32, U32, F32, C64, F64, I64, U64." },
        { "{" + Entry("a", "U8", "4", 0, 4) + "}", 4, ": tensor 'a': expected 'shape' to be a list of whole numbers, found a number." },
        { "{" + Entry("a", "U8", "[-4]", 0, 4) + "}", 4, ": tensor 'a': expected 'shape' to hold whole numbers from 0 to 9223372036854775807, found -4." },
        { "{" + Entry("a", "U8", "[4.0]", 0, 4) + "}", 4, ": tensor 'a': expected 'shape' to hold whole numbers from 0 to 9223372036854775807, found 4.0." },
        { "{" + Entry("a", "U8", "[18446744073709551616]", 0, 4) + "}", 4, ": tensor 'a': expected 'shape' to hold whole numbers from 0 to 9223372036854775807, found 18446744073709551616." },
        { "{" + Entry("a", "U8", "[[4]]", 0, 4) + "}", 4, ": tensor 'a': expected 'shape' to hold whole numbers from 0 to 9223372036854775807, found a list." },
        { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1, ": tensor 'a': expected 'data_offsets' to be [begin, end], found 3 numbers." },
        { "{" + Entry("a", "U8", "[1]", -1, 0) + "}", 4, ": tensor 'a': expected 'data_offsets' to hold whole numbers from 0 to 9223372036854775807, found -1." },
        { "{" + Entry("a", "F32", "[4294967296,4294967296]", 0, 4) + "}", 4, ": tensor 'a': the size of shape [4294967296, 4294967296] and dtype F32 is no whole number of bytes below 2^63." + Again },
        { "{" + Entry("a", "F64", "[1152921504606846976]", 0, 4) + "}", 4, ": tensor 'a': the size of shape [1152921504606846976] and dtype F64 is no whole number of bytes below 2^63." + Again },
        { "{" + Entry("a", "F4", "[3]", 0, 1) + "}", 1, ": tensor 'a': the size of shape [3] and dtype F4 is no whole number of bytes below 2^63." + Again },
        { "{" + Entry("a", "F32", "[2]", 0, 4) + "}", 4, ": tensor 'a': shape [2] and dtype F32 need 8 bytes, 'data_offsets' hold 4." + Again },
        { "{" + Entry("a", "U8", "[4]", 4, 0) + "}", 4, ": tensor 'a': 'data_offsets' end at 0, before they begin at 4." + Again },
        { "{" + Entry("a", "U8", "[4]", 0, 4) + "," + Entry("b", "U8", "[4]", 2, 6) + "}", 6, ": tensor 'b': 'data_offsets' begin at 2 and overlap tensor 'a', which ends at 4." + Again },
        { "{" + Entry("a", "U8", "[4]", 0, 4) + "," + Entry("b", "U8", "[4]", 6, 10) + "}", 10, ": tensor 'b': 'data_offsets' begin at 6 and leave a hole after tensor 'a'; expected 4." + Again },
        { "{" + Entry("a", "U8", "[4]", 1, 5) + "}", 5, ": tensor 'a': 'data_offsets' begin at 1 and leave a hole at the beginning; expected 0." + Again },
        { "{" + Entry("a", "U8", "[4]", 0, 4) + "}", 3, ": the tensors need 4 bytes of data, the file holds 3." + Again },
        { "{" + Entry("a", "U8", "[4]", 0, 4) + "}", 5, ": the tensors cover 4 bytes of data, the file holds 5; nothing may follow the last tensor." + Again },
        { "{}", 1, ": the tensors cover 0 bytes of data, the file holds 1; nothing may follow the last tensor." + Again },
        { "{" + Entry("a", "U8", "[2]", 0, 2) + "," + Entry("b", "F32", "[1]", 2, 6) + "}", 6, ": tensor 'b': 'data_offsets' begin at 2, which is not a multiple of 4, the size of F32. Save the file again with a current safetensors, which orders tensors by the size of their elements: python -c \"from safetensors.torch import load_file, save_file; save_file(load_file('model.safetensors'), 'aligned.safetensors', {'format': 'pt'})\"" },
        { "{" + Entry("a", "U8", "[2]", 0, 2) + "," + Entry("a", "U8", "[2]", 2, 4) + "}", 4, ": the name 'a' appears twice in the header. Every tensor needs a name of its own; save the file again." },
        { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, ": the name '__metadata__' appears twice in the header. Every tensor needs a name of its own; save the file again." },
        { "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, ": the key 'a' appears twice in '__metadata__'." },
        { "{\"__metadata__\":{\"a\":1}}", 0, ": expected '__metadata__' to hold texts, found a number under 'a'." },
        { "{\"__metadata__\":[]}", 0, ": expected '__metadata__' to be an object of texts, found a list." },
    };

    [Theory]
    [MemberData(nameof(BadHeaders))]
    public void Refuses_a_bad_header(string header, int dataLength, string message)
    {
        var error = Assert.Throws<InvalidDataException>(() => Open(File(header, dataLength)));
        Assert.Equal(folder["a.safetensors"] + message, error.Message);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{}{}")]
    [InlineData("{\"a\":")]
    [InlineData("{\"\\ud800\":{}}")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"more\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}}")]
    public void Refuses_what_is_no_json(string header)
    {
        var error = Assert.Throws<InvalidDataException>(() => Open(File(header, 1)));
        Assert.StartsWith(folder["a.safetensors"] + ": the header is not valid JSON: ", error.Message);
        Assert.EndsWith(Again, error.Message);
    }

    [Fact]
    public void Refuses_a_depth_bomb_without_a_stack_overflow()
    {
        var bomb = "{\"a\":" + string.Concat(Enumerable.Repeat("{\"a\":", 1_000_000));
        Assert.Throws<InvalidDataException>(() => Open(File(bomb, 0)));
    }

    [Fact]
    public void Refuses_invalid_utf8()
    {
        var error = Assert.Throws<InvalidDataException>(() => Open(File([(byte)'{', (byte)'"', 0xFF, (byte)'"', (byte)'}'], 0)));
        Assert.Equal(folder["a.safetensors"] + ": the header is not valid UTF-8." + Again, error.Message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void Refuses_a_file_without_a_header_length(int length)
    {
        var error = Assert.Throws<InvalidDataException>(() => Open(new byte[length]));
        Assert.Equal($"{folder["a.safetensors"]}: expected a safetensors file of at least 8 bytes, found {length}.{Again}", error.Message);
    }

    [Theory]
    [InlineData(3UL, "the header says it is 3 bytes long, but only 2 bytes follow its length." + Again)]
    [InlineData(100_000_001UL, "the header says it is 100000001 bytes long, the limit is 100000000. Is this a safetensors file? If it is, it is damaged; download or save it again.")]
    [InlineData(ulong.MaxValue, "the header says it is 18446744073709551615 bytes long, the limit is 100000000. Is this a safetensors file? If it is, it is damaged; download or save it again.")]
    public void Refuses_a_header_longer_than_the_file_or_the_limit(ulong length, string message)
    {
        var bytes = File("{}", 0);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        Assert.Equal($"{folder["a.safetensors"]}: {message}", Assert.Throws<InvalidDataException>(() => Open(bytes)).Message);
    }

    [Fact]
    public void A_hostile_name_is_cut_short_in_the_message()
    {
        var name = new string('x', 5000);
        var error = Assert.Throws<InvalidDataException>(() => Open(File("{" + Entry("\\u001b" + name, "X", "[]", 0, 1) + "}", 1)));
        Assert.Contains("tensor '?" + name[..199] + "...'", error.Message);
        Assert.True(error.Message.Length < 600);
    }

    private SafeTensorsFile Open(byte[] bytes, string name = "a.safetensors")
    {
        System.IO.File.WriteAllBytes(folder[name], bytes);
        return SafeTensorsFile.Open(folder[name]);
    }
}
