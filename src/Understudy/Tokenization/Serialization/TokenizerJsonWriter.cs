using System.Text.Encodings.Web;
using System.Text.Json;

namespace Understudy.Tokenization.Serialization;

/// <summary>Writes a <c>tokenizer.json</c>.</summary>
internal static class TokenizerJsonWriter
{
    private static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the file, which appears whole or not at all.</summary>
    public static void Write(string path, TokenizerParts parts) => WriteWhole(path, stream => Write(stream, parts));

    /// <summary>Writes any file so that it appears whole or not at all.</summary>
    public static void WriteWhole(string path, Action<Stream> write)
    {
        var temporary = $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            using (var stream = File.Create(temporary))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static void Write(Stream stream, TokenizerParts parts)
    {
        using var json = new Utf8JsonWriter(stream, Options);
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        WriteTruncation(json, parts.Truncation);
        WritePadding(json, parts.Padding);
        parts.AddedVocabulary.Write(json);
        WriteOrNull(json, "normalizer", parts.Normalizer is null ? null : parts.Normalizer.Write);
        WriteOrNull(json, "pre_tokenizer", parts.PreTokenizer is null ? null : parts.PreTokenizer.Write);
        WriteOrNull(json, "post_processor", parts.PostProcessor is null ? null : parts.PostProcessor.Write);
        WriteOrNull(json, "decoder", parts.Decoder is null ? null : parts.Decoder.Write);
        WriteOrNull(json, "model", parts.Model.Write);
        json.WriteEndObject();
    }

    private static void WriteOrNull(Utf8JsonWriter json, string key, Action<Utf8JsonWriter>? write)
    {
        json.WritePropertyName(key);
        if (write is null) json.WriteNullValue();
        else write(json);
    }

    private static void WriteTruncation(Utf8JsonWriter json, TruncationOptions? truncation)
    {
        WriteOrNull(json, "truncation", truncation is null ? null : _ =>
        {
            json.WriteStartObject();
            json.WriteString("direction", truncation.Side.ToString());
            json.WriteNumber("max_length", truncation.MaxLength);
            json.WriteString("strategy", truncation.Strategy.ToString());
            json.WriteNumber("stride", truncation.Stride);
            json.WriteEndObject();
        });
    }

    private static void WritePadding(Utf8JsonWriter json, PaddingOptions? padding)
    {
        WriteOrNull(json, "padding", padding is null ? null : _ =>
        {
            json.WriteStartObject();
            json.WritePropertyName("strategy");
            if (padding.Length is { } length)
            {
                json.WriteStartObject();
                json.WriteNumber("Fixed", length);
                json.WriteEndObject();
            }
            else
            {
                json.WriteStringValue("BatchLongest");
            }
            json.WriteString("direction", padding.Side.ToString());
            if (padding.PadToMultipleOf is { } multiple) json.WriteNumber("pad_to_multiple_of", multiple);
            else json.WriteNull("pad_to_multiple_of");
            json.WriteNumber("pad_id", padding.PadId);
            json.WriteNumber("pad_type_id", padding.PadTypeId);
            json.WriteString("pad_token", padding.PadToken);
            json.WriteEndObject();
        });
    }
}
