using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Understudy.Cli;

/// <summary>Standard output that says when nobody reads it any more.</summary>
internal static class StandardOutput
{
    /// <summary>
    /// A writer for a pipe, which fails once its reader is gone; null for anything else. The console's own writer drops such
    /// output without a word, so that <c>understudy predict ... | head</c> would label a million rows for nobody.
    /// </summary>
    public static TextWriter? Open()
    {
        if (!Console.IsOutputRedirected || OperatingSystem.IsWindows())
            return null;
        try
        {
            var stream = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, 1);
            return stream.CanSeek ? null : new StreamWriter(stream, new UTF8Encoding(false)) { AutoFlush = true };
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            // Standard output is closed: there is nothing to be told about it.
            return null;
        }
    }
}
