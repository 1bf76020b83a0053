using System.Text;
using Understudy.Data;
using Understudy.Models;
using static Understudy.Tests.Models.SafeTensorsBytes;

namespace Understudy.Tests.Models;

public sealed class SafeTensorsFuzzTests
{
    /// <summary>Pieces that, put into a header, are likelier to reach a check than random bytes.</summary>
    private static readonly string[] Pieces =
        ["{", "}", "[", "]", "\"", ",", ":", "-", "0", "9", "e9", "1.5", "null", "true", "\\", "\\ud800", "9223372036854775807", "4294967296", "\"F32\"", "\"__metadata__\":{}", "\"shape\":[0]"];

    [Fact]
    public void A_mutated_file_loads_or_is_refused_and_every_byte_it_promises_can_be_read()
    {
        using var folder = new TemporaryFolder();
        var random = new SeededRandom(1);
        var valid = File("{\"__metadata__\":{\"format\":\"pt\"}," + Entry("w", "F32", "[2,3]", 0, 24) + "," + Entry("b", "F16", "[4]", 24, 32) + "," + Entry("e", "I64", "[0]", 32, 32) + "," + Entry("q", "U8", "[]", 32, 33) + "}", 33);
        var (loaded, refused) = (0, 0);
        for (var i = 0; i < 6000; i++)
        {
            System.IO.File.WriteAllBytes(folder["m.safetensors"], Mutate(valid, random));
            try
            {
                using var file = SafeTensorsFile.Open(folder["m.safetensors"]);
                var sum = 0;
                foreach (var entry in file.Entries)
                {
                    foreach (var b in file.BytesOf(entry)) sum += b;
                }

                Assert.True(sum >= 0);
                loaded++;
            }
            catch (InvalidDataException e)
            {
                Assert.StartsWith(folder["m.safetensors"] + ": ", e.Message);
                refused++;
            }
        }

        Assert.True(loaded > 100 && refused > 3000, $"{loaded} loaded, {refused} refused: the mutations are too weak or too strong");
    }

    private static byte[] Mutate(byte[] valid, SeededRandom random)
    {
        var bytes = valid.ToList();
        for (var edits = 1 + random.NextInt(3); edits > 0 && bytes.Count > 0; edits--)
        {
            var at = random.NextInt(bytes.Count);
            switch (random.NextInt(7))
            {
                case 0: bytes[at] = (byte)random.NextInt(256); break;
                case 1: bytes[at] ^= (byte)(1 << random.NextInt(8)); break;
                case 2: bytes.RemoveAt(at); break;
                case 3: bytes.RemoveRange(at, random.NextInt(bytes.Count - at)); break;
                case 4: bytes.InsertRange(at, Encoding.UTF8.GetBytes(Pieces[random.NextInt(Pieces.Length)])); break;
                case 5: bytes[at] = (byte)('0' + random.NextInt(10)); break;
                default:
                    var piece = bytes.GetRange(at, Math.Min(random.NextInt(60), bytes.Count - at));
                    bytes.InsertRange(random.NextInt(bytes.Count), piece);
                    break;
            }
        }

        // Most edits change the length of the header; keep it right half of the time so that the parser is reached.
        if (bytes.Count > 8 && random.NextInt(2) == 0)
        {
            var end = bytes.LastIndexOf((byte)'}');
            var length = BitConverter.GetBytes((long)Math.Max(0, end - 7));
            for (var i = 0; i < 8; i++) bytes[i] = length[i];
        }

        return [.. bytes];
    }
}
