using System.Text.Json;

namespace Understudy.Parity;

/// <summary>Reads the JSON files of stored references; whatever is wrong with them becomes an <see cref="InvalidDataException"/> that names the file.</summary>
internal static class ReferenceJson
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    /// <summary>The file itself, or the file called <paramref name="name"/> in a folder.</summary>
    public static string Locate(string fileOrFolder, string name) => Directory.Exists(fileOrFolder) ? Path.Combine(fileOrFolder, name) : fileOrFolder;

    /// <summary>Opens a file and hands its root to <paramref name="read"/>.</summary>
    public static T Read<T>(string path, Func<JsonElement, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path), Options);
            return read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
        {
            // What JsonElement throws for a missing key, another kind of value or a number out of range.
            throw new InvalidDataException($"{path}: not a reference of the expected format: {e.Message}", e);
        }
    }

    /// <summary>A list of numbers.</summary>
    public static double[] Doubles(JsonElement list) => [.. list.EnumerateArray().Select(number => number.GetDouble())];

    /// <summary>A list of numbers, rounded to single precision.</summary>
    public static float[] Singles(JsonElement list) => [.. list.EnumerateArray().Select(number => number.GetSingle())];

    /// <summary>A list of whole numbers.</summary>
    public static int[] Integers(JsonElement list) => [.. list.EnumerateArray().Select(number => number.GetInt32())];
}
