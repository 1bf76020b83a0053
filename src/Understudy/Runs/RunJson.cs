using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Understudy.Runs;

/// <summary>How the run folder's files spell JSON: snake_case, text as it is, no number lost.</summary>
internal static class RunJson
{
    private static readonly JsonSerializerOptions OneLine = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private static readonly JsonSerializerOptions Indented = new(OneLine) { WriteIndented = true };

    public static string Line<T>(T value) => JsonSerializer.Serialize(value, OneLine);

    public static string Text<T>(T value) => JsonSerializer.Serialize(value, Indented) + "\n";

    /// <exception cref="JsonException">It is not such a value.</exception>
    public static T Parse<T>(JsonElement element) =>
        element.Deserialize<T>(OneLine) ?? throw new JsonException("null");

    /// <exception cref="JsonException">It is not such a value.</exception>
    public static T ParseText<T>(string text) =>
        JsonSerializer.Deserialize<T>(text, OneLine) ?? throw new JsonException("null");

    /// <exception cref="InvalidDataException">The file does not hold such a value.</exception>
    public static T Read<T>(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllText(path), OneLine) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: expected what Understudy wrote there, found something else ({e.Message}). Remove the file to have it written anew.", e);
        }
    }
}
