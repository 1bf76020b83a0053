using System.Text.Json;

namespace Understudy.Tokenization.Serialization;

/// <summary>Opens JSON files that come from outside.</summary>
internal static class JsonFile
{
    /// <summary>Reads the file and hands its root to <paramref name="read"/>.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not JSON, or nested more than 64 deep.</exception>
    public static T Read<T>(string path, Func<ConfigElement, T> read)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no file '{path}'.", path);
        try
        {
            using var stream = File.OpenRead(path);
            using var document = JsonDocument.Parse(stream);
            return read(new ConfigElement(document.RootElement, "", path));
        }
        catch (JsonException fault)
        {
            throw new InvalidDataException(
                $"{path}({fault.LineNumber + 1}): the file is not valid JSON: {fault.Message} Download or save it again.", fault);
        }
    }
}
